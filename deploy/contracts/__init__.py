"""Writes what is generated in `contracts/`: JSON Schemas, refusals, OpenAPI documents, the AsyncAPI document."""
