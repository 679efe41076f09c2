"""How a refusal leaves by HTTP: always the same body, `{"error": {...}}`, and one status for each code."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from twintap_protocol.errors import TwintapError

from ..errors import Fault, Refused, StoreError
from ..names import clean

_STATUS: Mapping[str, int] = {
    "token": 401,
    "role": 403,
    "room": 403,
    "host": 403,
    "origin": 403,
    "offer": 403,
    "unknown": 404,
    "large": 413,
    "field": 422,
    "range": 422,
    "body": 422,
    "slower": 429,
    "storage": 507,
}
_CONFLICT = 409  # every other code: well asked, and not possible in the state that the room is in


class FaultBody(BaseModel):
    """Why it was refused: `code` for a program, `message` for a person, the rest where it applies."""

    model_config = ConfigDict(extra="forbid")

    code: str
    message: str
    field: str | None = None
    value: float | str | bool | None = None
    low: float | None = None
    high: float | None = None
    side: str | None = None
    retry_after_ms: int | None = None


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(extra="forbid")

    error: FaultBody


_WORDS = {
    401: "The token is missing, wrong, expired or revoked.",
    403: "The token's role or rooms do not allow it; or the Host or the Origin is not this daemon's; "
    "or an offer to join is wrong, used or over.",
    404: "There is no such room, pulser, session, entry or client.",
    409: "The state of the room does not allow it; `code` says why.",
    413: "The body is larger than 64 KiB.",
    422: "A field, its value, or the body as a whole is not what it has to be.",
    429: "Too many wrong tokens at once.",
    507: "The data folder could not be written; `message` says what holds all the same.",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe, for OpenAPI, the refusals that an operation can answer with, beside those that all can."""
    every = sorted({401, 403, 413, 422, 429, *statuses})
    return {status: {"model": ErrorBody, "description": _WORDS[status]} for status in every}


def status_of(fault: Fault) -> int:
    """Give the HTTP status of a refusal."""
    return _STATUS.get(fault.code, _CONFLICT)


def fault_json(fault: Fault) -> dict[str, object]:
    """Give a refusal as JSON values: only what applies, no number that JSON lacks, no endless text."""
    value = fault.value
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        value = str(value)
    elif value is not None and not isinstance(value, bool | int | float):
        value = clean(str(value))
    parts: dict[str, object] = {
        "code": fault.code,
        "message": clean(fault.message, 500),
        "field": None if fault.field is None else clean(fault.field, 60),
        "value": value,
        "low": fault.low,
        "high": fault.high,
        "side": fault.side,
        "retry_after_ms": fault.retry_after_ms,
    }
    return {name: part for name, part in parts.items() if part is not None}


def error_response(
    fault: Fault, status: int | None = None, more: Mapping[str, str] | None = None
) -> Response:
    """Give a refusal as a response, with `more` headers."""
    # ASCII alone: a lone surrogate out of a hostile body has no UTF-8.
    body = json.dumps({"error": fault_json(fault)}).encode("ascii")
    headers = {**(more or {})}
    if fault.code == "token":
        headers["WWW-Authenticate"] = "Bearer"
    if fault.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-fault.retry_after_ms // 1000))
    return Response(body, status or status_of(fault), headers, "application/json")


def validation_fault(error: RequestValidationError) -> Fault:
    """Put what the parser of requests found into our own words: the first thing that is wrong."""
    first = error.errors()[0]
    where = [str(part) for part in first.get("loc", ()) if part not in ("body", "query", "path")]
    if first.get("type") == "json_invalid" or not where:
        return Fault("body", "the body has to be a JSON object")
    # A list's or a union's inner steps are of no use to the sender; the field's own name is.
    field = clean(where[0], 60)
    context: Mapping[str, object] = first.get("ctx") or {}
    low, high = context.get("ge"), context.get("le")
    return Fault(
        "field",
        f"{field}: {first.get('msg', 'not allowed')}",
        field=field,
        low=float(low) if isinstance(low, int | float) else None,
        high=float(high) if isinstance(high, int | float) else None,
    )


def _allowed(request: Request) -> str:
    """Give the methods that this path has: each is a route of its own, and the router names only one."""
    found: set[str] = set()
    for route in cast("Starlette", request.app).routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return ", ".join(sorted(found))


def add_handlers(app: FastAPI) -> None:
    """Turn everything that a request can raise into the one body."""

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return error_response(error.fault)

    async def unstored(_: Request, error: Exception) -> Response:
        return error_response(Fault("storage", str(error)))

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return error_response(validation_fault(error))

    async def unreadable(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 400:
            # The framework's word for a body that is not UTF-8, or nested too deep.
            return error_response(Fault("body", "the body has to be a JSON object in UTF-8"))
        if error.status_code == 413:
            return error_response(Fault("large", "the body is larger than 64 KiB"))
        code = {404: "unknown", 405: "method"}.get(error.status_code, "http")
        more = {"Allow": _allowed(request)} if error.status_code == 405 else None
        return error_response(Fault(code, str(error.detail)), error.status_code, more)

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        Refused: refused,
        StoreError: unstored,
        RequestValidationError: invalid,
        HTTPException: unreadable,
    }
    assert all(issubclass(kind, TwintapError | RequestValidationError | HTTPException) for kind in handlers)
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
