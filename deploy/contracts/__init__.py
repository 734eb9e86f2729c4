"""Writes what is generated in `contracts/`: JSON Schemas, OpenAPI documents and the AsyncAPI document."""
