"""Ids that sort by the time at which they were made: UUID version 7 (RFC 9562, section 5.7)."""

import secrets
import time
import uuid


def new_id() -> str:
    """Give a fresh id: 48 bits of milliseconds since 1970, 74 bits of chance; 36 characters, lower case."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
