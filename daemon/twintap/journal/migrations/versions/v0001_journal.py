"""The journal as it was first: chains, payloads, sessions, the file's own facts.

Written out, and not taken from the tables of today: a step does the same for ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "links",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("chain", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("entered", sa.String(40), nullable=False),
        sa.Column("payload_sha256", sa.String(64), nullable=False),
        sa.Column("prev", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sa.UniqueConstraint("chain", "seq", name="uq_links_chain_seq"),
    )
    op.create_table(
        "payloads",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["id"], ["links.id"], name="fk_payloads_id"),
        sa.PrimaryKeyConstraint("id", name="pk_payloads"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("code", sa.String(24), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("room", sa.String(40), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("opened_at", sa.String(40), nullable=False),
        sa.Column("opened_us", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.String(40)),
        sa.Column("closed_reason", sa.String(20)),
        sa.Column("opened_by", sa.String(40), nullable=False),
        sa.Column("sets", sa.Integer, nullable=False),
        sa.Column("passes", sa.Integer, nullable=False),
        sa.Column("first_sud", sa.Integer),
        sa.Column("last_sud", sa.Integer),
        sa.Column("last_voc", sa.Integer),
        sa.Column("phase", sa.String(20)),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_opened_us_id", "sessions", ["opened_us", "id"])
    op.create_index("ix_sessions_code_opened_us_id", "sessions", ["code", "opened_us", "id"])
    op.create_index("ix_sessions_room_opened_us_id", "sessions", ["room", "opened_us", "id"])
    op.create_table(
        "facts",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.String(400), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_facts"),
    )
