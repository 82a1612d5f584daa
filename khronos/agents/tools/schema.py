"""JSON Schema, without ever fetching one: a reference to somewhere else is an error."""

from functools import cache
from importlib import import_module
from typing import Any

from khronos.agents.tools.base import Json

COMPLAINT_MAX = 300  # characters


@cache
def library() -> Any:
    """Only who calls tools pays for it."""
    return import_module("jsonschema")


def complaint(schema: Json, value: Any) -> str:
    """Why this value is not as the schema says; empty where it is."""
    nothing_else = import_module("referencing").Registry()
    checker = library().Draft202012Validator(schema, registry=nothing_else)
    try:
        error = library().exceptions.best_match(checker.iter_errors(value))
    except (import_module("referencing.exceptions").Unresolvable, RecursionError) as trouble:
        return f"the schema cannot be followed: {type(trouble).__name__}"
    if error is None:
        return ""
    place = "/".join(str(step) for step in error.absolute_path)
    return f"{place + ': ' if place else ''}{error.message}"[:COMPLAINT_MAX]


def flaw(schema: Any) -> str:
    """Why this is no JSON Schema; empty where it is one."""
    try:
        library().Draft202012Validator.check_schema(schema)
    except library().exceptions.SchemaError as error:
        return str(error.message)[:COMPLAINT_MAX]
    return "" if not refers_elsewhere(schema) else "a $ref to somewhere else is not followed"


def refers_elsewhere(schema: Any) -> bool:
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            return True
        return any(refers_elsewhere(each) for each in schema.values())
    return isinstance(schema, list) and any(refers_elsewhere(each) for each in schema)
