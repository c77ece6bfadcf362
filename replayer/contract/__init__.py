"""What was agreed (JSON Schema, OpenAPI, AsyncAPI) held against what was said."""
