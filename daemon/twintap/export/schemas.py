"""The JSON Schema of each type of event, made from the models that the journal itself checks against."""

from functools import cache
from typing import Any

from ..journal.types import EVENT_TYPES

# Grows when a reader of an older version could misread a newer event; an added field is no such change.
SCHEMA_VERSION = 1
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_uri(kind: str) -> str:
    """Name the schema of a type of event; the same in exports and in what the API publishes."""
    return f"urn:twintap:schema:{SCHEMA_VERSION}:{kind}"


@cache
def event_schemas() -> dict[str, dict[str, Any]]:
    """Give the schema of each type's `data`: JSON Schema 2020-12, each whole in itself."""
    return {
        kind: {
            "$schema": DIALECT,
            "$id": schema_uri(kind),
            **model.model_json_schema(),
        }
        for kind, model in EVENT_TYPES.items()
    }
