"""Writes the vector files that come from the reference: `python -m tests.protocol.reference.make`.

The reference is written from SPEC.md and imports nothing of the package. A test fails while a file in
protocol/vectors differs from what this would write.
"""

import json
from pathlib import Path

from tests.protocol.reference import frame_vectors, link_vectors, schedule_vectors, tick_vectors

VECTORS = Path(__file__).resolve().parents[3] / "protocol" / "vectors"
SOURCES = {
    "frames": (
        "SPEC.md, sections on frames: laid out field by field by an encoder that knows the tables alone",
        frame_vectors.cases,
    ),
    "link": (
        "SPEC.md, sections on handshake and seal: made with the AES-CCM and HKDF of the cryptography library",
        link_vectors.cases,
    ),
    "schedule": (
        "SPEC.md, sections on sets: lived by a reference pulser that shares no code with the package",
        schedule_vectors.cases,
    ),
    "lease": (
        "SPEC.md, section on the lease: lived by a reference pulser that shares no code with the package",
        schedule_vectors.lease_cases,
    ),
    "ticks": ("SPEC.md, section on time: worked out with integers of any size", tick_vectors.cases),
}


def text_of(kind):
    """The text of the vector file of that kind, one case a line."""
    source, cases = SOURCES[kind]
    rows = ",\n".join("    " + json.dumps(case) for case in cases())
    return f'{{\n  "kind": "{kind}",\n  "source": {json.dumps(source)},\n  "cases": [\n{rows}\n  ]\n}}\n'


if __name__ == "__main__":
    for kind in SOURCES:
        (VECTORS / f"{kind}.json").write_text(text_of(kind))
