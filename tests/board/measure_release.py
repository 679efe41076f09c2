"""Measure how late the radio releases datagrams.

    python tests/board/measure_release.py [AIR] [SECONDS] [PER_SECOND]

Sends a steady stream through a running board's radio, to be echoed by its VM, and prints the radio's own
figures of lateness against the times the air gave, in µs. Run by hand; no test asserts a time.
"""

import json
import socket
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / part) for part in ("", "firmware", "protocol")]

from tests.board.rig import Rig  # noqa: E402


def measure(air: str, seconds: float, per_second: float) -> dict[str, object]:
    """Run one board under a stream; give the radio's lateness and counts."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        with Rig(Path(folder), "--air", air, "--seed", "1") as rig:
            rig.up().say("link 1")
            host, port = rig.hands("info")["radio"]["address"]
            peer.bind(("127.0.0.1", 0))
            began = time.monotonic()
            for number in range(int(seconds * per_second)):
                time.sleep(max(0.0, began + number / per_second - time.monotonic()))
                peer.sendto(b"echo %d" % number, (host, port))
            radio = rig.hands("info")["radio"]
        return {"air": air, "late_us": radio["late_us"], "counts": radio["counts"]}


def main() -> None:
    """Print one line per air."""
    airs = [sys.argv[1]] if len(sys.argv) > 1 else ["none", "quiet", "busy", "bad"]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    per_second = float(sys.argv[3]) if len(sys.argv) > 3 else 200.0
    for air in airs:
        print(json.dumps(measure(air, seconds, per_second)))


if __name__ == "__main__":
    main()
