"""Small parts of JSON Schemas."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TEXT: Schema = {"type": "string", "minLength": 1}
ANY_TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number", "minimum": 0}
POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0}
BOOLEAN: Schema = {"type": "boolean"}


def document(title: str, description: str, body: Schema) -> Schema:
    return {"$schema": DIALECT, "title": title, "description": description, **body}


def fields(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, *, closed: bool = False) -> Schema:
    """An object. Open unless said: what we write may gain keys within one `format`."""
    body: Schema = {"type": "object", "properties": {**required, **(optional or {})}, "required": sorted(required)}
    return body | {"additionalProperties": False} if closed else body


def each(values: Schema) -> Schema:
    """An object of any keys."""
    return {"type": "object", "additionalProperties": values}


def listed(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items} | ({"minItems": least} if least else {})


def one_of(words: Sequence[str]) -> Schema:
    return {"enum": list(words)}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
