"""The journal's tables, in words that any SQL database understands.

`links` are the chains' headers and are never deleted; `payloads` hold what may speak of a client, and are
what erasing deletes; `sessions` says of each session what lists and offers ask for, and can be made again
from the events; `facts` are the file's own few.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = String(36)
_HASH = String(64)
_NAME = String(40)
# RFC 3339 with microseconds and a zone. As text, because the hash is over the text.
_MOMENT = String(40)

links = Table(
    "links",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("chain", String(64), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("entered", _MOMENT, nullable=False),
    Column("payload_sha256", _HASH, nullable=False),
    Column("prev", _HASH, nullable=False),
    Column("hash", _HASH, nullable=False),
    UniqueConstraint("chain", "seq"),
)

payloads = Table(
    "payloads",
    METADATA,
    Column("id", _ID, ForeignKey("links.id"), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("code", String(24), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("room", _NAME, nullable=False),
    Column("zone", String(64), nullable=False),
    Column("opened_at", _MOMENT, nullable=False),
    # The same moment as microseconds since 1970, to sort by.
    Column("opened_us", BigInteger, nullable=False),
    Column("closed_at", _MOMENT),
    Column("closed_reason", String(20)),
    Column("opened_by", _NAME, nullable=False),
    Column("sets", Integer, nullable=False),
    Column("passes", Integer, nullable=False),
    Column("first_sud", Integer),
    Column("last_sud", Integer),
    Column("last_voc", Integer),
    Column("phase", String(20)),
    Index(None, "opened_us", "id"),
    Index(None, "code", "opened_us", "id"),
    Index(None, "room", "opened_us", "id"),
)

facts = Table(
    "facts",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("value", String(400), nullable=False),
)
