"""`python -m tests.bench.recorder FILE serve ...`: the daemon, with every burst of probes written to FILE.

One JSON object a line: `{"pulser", "at_us", "linked": true}` when a link is made, and
`{"pulser", "at_us", "stamps": [[t1, t2, t3, t4], ...]}` when the fit of that link takes a burst. Replayed
through the same fit they give what the daemon knew at every moment; through another estimator, what that
would have known.
"""

import json
import sys
from collections.abc import Sequence
from typing import TextIO

import twintap.rooms.hub
from twintap.cli import main
from twintap.clock import ClockFit, ProbeStamps
from twintap.links.link import Link
from twintap.links.pulser import Pulser
from twintap.rooms.hub import monotonic_us


class RecordedFit(ClockFit):
    """The fit, and its diary."""

    def __init__(self, pulser: str, out: TextIO) -> None:
        super().__init__()
        self._pulser = pulser
        self._out = out
        self._write({"linked": True})

    def add_burst(self, stamps: Sequence[ProbeStamps]) -> None:
        super().add_burst(stamps)
        self._write({"stamps": [list(one) for one in stamps]})

    def _write(self, what: dict[str, object]) -> None:
        self._out.write(json.dumps({"pulser": self._pulser, "at_us": monotonic_us(), **what}) + "\n")


def record_to(out: TextIO) -> None:
    """Have every pulser of this process keep a diary in `out`."""

    class RecordedPulser(Pulser):
        def prove(self, link: Link) -> list[bytes]:
            link.fit = RecordedFit(self.id, out)
            return super().prove(link)

    twintap.rooms.hub.Pulser = RecordedPulser


if __name__ == "__main__":
    with open(sys.argv[1], "a", encoding="ascii") as file:
        record_to(file)
        code = main(sys.argv[2:])
    sys.exit(code)
