"""Part of `make soak`: ten boards that reboot, move and lose air, with a fault every 5 s, for ten minutes.

At the end each is paired and linked, none is confused with another, no motor has moved before a set was
started, and memory is where it began. Exit 0 if so, 1 if not, with the seed and all that was wrong.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.support.chaos import Chaos, any_seed
from tests.support.rig import Daemon


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chaos", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every-s", type=float, default=5.0, metavar="S")
    parser.add_argument("--seed", type=int, default=None, help="the same seed chooses the same deeds")
    given = parser.parse_args()
    seed = any_seed() if given.seed is None else given.seed
    print(f"chaos: seed {seed}, {2 * given.pairs} boards, {given.minutes:g} minutes", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="tc-") as name:
        folder = Path(name)
        with Daemon(folder / "d") as daemon, Chaos(daemon, folder, given.pairs, seed) as chaos:
            before = chaos.memory()
            chaos.rage(given.minutes * 60, given.every_s)
            wrong = chaos.ends_well(before)
            after = chaos.memory()
        told = ", ".join(f"{name} {count}" for name, count in sorted(chaos.done.items()))
    steady = {member.name for member in chaos.members if member.is_steady}
    for name, free in before.free.items():
        kind = "never rebooted" if name in steady else "rebooted"
        print(f"  {name}: {free} bytes free before, {after.free[name]} after ({kind})")
    least = min(after.free[name] - free for name, free in before.free.items())
    print(f"seed {seed}: {chaos.done.total()} faults ({told}); {len(wrong)} things wrong")
    more = after.daemon_bytes - before.daemon_bytes, after.daemon_files - before.daemon_files
    print(f"heaps: {least:+d} bytes at the worst; the daemon: {more[0]:+d} bytes, {more[1]:+d} files")
    for line in wrong:
        print(f"  {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
