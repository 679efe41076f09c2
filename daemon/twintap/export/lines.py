"""JSON lines: every entry of a chain as a CloudEvents 1.0 event in JSON, one a line, and back again.

What CloudEvents names has its name there: `id`, `type` (ours after `twintap.`), `time` (when it happened),
`data`. All else is in extension attributes, which may have lower-case letters and digits only and hold no
integer past 31 bits: `chain`, `seq`, `entered`, `prev`, `hash`, `payloadsha256`, `salt`, `bootid`,
`monotonicus` (digits), `actor`, `room`, `session`. Nothing is lost, so the chain verifies wherever it goes.
An erased entry has the type `twintap.erased`, and neither data nor anything else that its payload held.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ..errors import Fault, Refused
from ..journal.chain import chain_of
from ..journal.checking import checked_data
from ..journal.entry import Entry
from ..journal.types import EVENT_TYPES, EventId
from ..names import clean
from .schemas import schema_uri

MEDIA_TYPE = "application/jsonl"
ERASED = "erased"
_PREFIX = "twintap."
# The longest text is 4,000 characters, each at most 12 bytes of JSON; heads of an erasing are longer.
LINE_MAX = 1 << 20

_Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Salt = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
# RFC 3339, section 5.6: a zone is a must.
_Time = Annotated[
    str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$")
]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    specversion: Literal["1.0"]
    id: EventId
    source: Annotated[str, StringConstraints(pattern=r"^urn:twintap:daemon:[0-9a-f]{2,64}$")]
    type: Annotated[str, StringConstraints(pattern=r"^twintap\.[a-z_]+(\.[a-z_]+)?$")]
    chain: Annotated[str, StringConstraints(pattern=r"^(daemon|session:.{1,64}|room:.{1,64})$")]
    seq: Annotated[int, Field(ge=1, lt=1 << 31)]
    entered: _Time
    prev: _Hash
    hash: _Hash
    payloadsha256: _Hash
    salt: _Salt | None = None
    time: _Time | None = None
    subject: _Word | None = None
    datacontenttype: Literal["application/json"] | None = None
    dataschema: _Word | None = None
    data: dict[str, Any] | None = None
    actor: Annotated[str, StringConstraints(max_length=200)] | None = None
    room: _Word | None = None
    session: EventId | None = None
    bootid: _Word | None = None
    monotonicus: Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,18}$")] | None = None


def to_lines(entries: Iterable[Entry], daemon_id: bytes) -> Iterator[str]:
    """Give each entry as a line, its newline included. `daemon_id`: whose journal it is."""
    source = f"urn:twintap:daemon:{daemon_id.hex()}"
    for entry in entries:
        event = {
            "specversion": "1.0",
            "id": entry.id,
            "source": source,
            "type": _PREFIX + (entry.type or ERASED),
            "subject": entry.session or entry.room,
            "time": None if entry.at is None else entry.at.isoformat(),
            "datacontenttype": None if entry.data is None else "application/json",
            "dataschema": None if entry.type is None else schema_uri(entry.type),
            "chain": entry.chain,
            "seq": entry.seq,
            "entered": entry.entered.isoformat(),
            "actor": entry.actor,
            "room": entry.room,
            "session": entry.session,
            "monotonicus": None if entry.monotonic_us is None else str(entry.monotonic_us),
            "bootid": entry.boot_id,
            "prev": entry.prev,
            "hash": entry.hash,
            "payloadsha256": entry.payload_sha256,
            "salt": entry.salt,
            "data": None if entry.data is None else dict(entry.data),
        }
        kept = {name: value for name, value in event.items() if value is not None}
        yield json.dumps(kept, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Give a file's lines as `from_lines` takes them; one without end costs no more than a long one."""
    while line := file.readline(LINE_MAX + 1):
        yield line


def from_lines(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Read lines as `to_lines` writes them; empty ones are passed over.

    Raises `Refused` "line", which says the line's number and what is wrong in it. Whether the chain holds is
    not asked here: the journal that takes the entries verifies it.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _entry(line, number)


def _entry(line: bytes, number: int) -> Entry:
    if len(line) > LINE_MAX:
        raise _wrong(number, f"it is longer than {LINE_MAX} bytes")
    try:
        # A lone surrogate is no text: it could be kept nowhere, so it is refused with what is no UTF-8.
        found = json.loads(line.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise _wrong(number, "it is nested too deep") from None
    except UnicodeError:
        raise _wrong(number, "it is not UTF-8") from None
    except ValueError as error:
        raise _wrong(number, f"it is not JSON: {error}") from None
    try:
        parsed = _Line.model_validate(found)
    except ValidationError as error:
        raise _wrong(number, _first(error)) from None
    is_erased = parsed.type == _PREFIX + ERASED
    _check_whole(parsed, number, is_erased=is_erased)
    return Entry(
        id=parsed.id,
        chain=parsed.chain,
        seq=parsed.seq,
        entered=_time(parsed.entered, "entered", number),
        payload_sha256=parsed.payloadsha256,
        prev=parsed.prev,
        hash=parsed.hash,
        salt=parsed.salt,
        type=None if is_erased else parsed.type.removeprefix(_PREFIX),
        data=parsed.data,
        room=parsed.room,
        session=parsed.session,
        actor=parsed.actor,
        at=None if parsed.time is None else _time(parsed.time, "time", number),
        monotonic_us=None if parsed.monotonicus is None else int(parsed.monotonicus),
        boot_id=parsed.bootid,
    )


def _check_whole(parsed: _Line, number: int, *, is_erased: bool) -> None:
    """Raise unless it has the whole payload, and one that its type allows; or none of it, if erased."""
    payload = ("time", "data", "actor", "bootid", "monotonicus", "salt")
    if is_erased:
        for name in (*payload, "room", "session", "subject", "dataschema", "datacontenttype"):
            if getattr(parsed, name) is not None:
                raise _wrong(number, f"{name}: an erased entry has none")
        return
    for name in payload:
        if getattr(parsed, name) is None:
            raise _wrong(number, f"{name}: it is missing")
    kind = parsed.type.removeprefix(_PREFIX)
    if kind not in EVENT_TYPES:
        raise _wrong(number, f"type: this twintap knows no {clean(parsed.type, 60)}; a newer one may")
    try:
        checked_data(kind, parsed.data or {})
    except Refused as refusal:
        raise _wrong(number, refusal.fault.message) from None
    chain = chain_of(parsed.room, parsed.session)
    if parsed.chain != chain:
        raise _wrong(number, f"chain: its session and its room put it into {clean(chain, 80)}")


def _time(text: str, name: str, number: int) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        found.timestamp()
    except (ValueError, OverflowError):
        raise _wrong(number, f"{name}: {text} is no time") from None
    return found


def _first(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    where = clean(".".join(str(part) for part in first["loc"]), 80)
    return f"{where}: {first['msg']}" if where else "it has to be a JSON object"


def _wrong(number: int, what: str) -> Refused:
    return Refused(Fault("line", f"line {number}: {clean(what, 300)}", value=number))


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found
