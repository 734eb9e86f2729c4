"""The routes: one file per resource, what they answer, and what the OpenAPI document says of them."""
