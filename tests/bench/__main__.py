"""`make bench`: every benchmark, a table each on the terminal, and one JSON file for all of them.

    make bench                                       all of them: about 50 minutes
    make bench ARGS="--only left-right --air quiet"  one of them, on one air
    make bench ARGS="--quick"                        a look at each in about 8 minutes; too short for a figure

Nothing is asserted: goals are shown as met or missed. The figures are of this machine at this moment, so
leave it alone meanwhile; each table says how late the machine woke a thread that slept.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from tests.bench import command, heap, journal, left_right, light, page, pairs, sets
from tests.bench.report import ROOT, Report, Table
from tests.bench.rig import BenchError, last_words, progress
from twintap_protocol.errors import TwintapError

AIRS = ("quiet", "busy", "bad")
BENCHMARKS = ("left-right", "command", "sets", "pairs", "heap", "journal", "light", "page")

Job = Callable[[Path, Path], Awaitable[Table]]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; `only` and `air` as tuples."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def some_of(choices: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
        def names(text: str) -> tuple[str, ...]:
            found = tuple(text.split(","))
            for name in found:
                if name not in choices:
                    raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(choices)}")
            return tuple(name for name in choices if name in found)

        return names

    def a_number(kind: type[int] | type[float], low: float, high: float) -> Callable[[str], float]:
        def number(text: str) -> float:
            try:
                value = kind(text)
            except ValueError:
                value = low - 1
            if not low <= value <= high:
                raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
            return value

        return number

    parser.add_argument("--only", type=some_of(BENCHMARKS), default=BENCHMARKS, metavar="NAME,...")
    parser.add_argument("--air", type=some_of(AIRS), default=AIRS, metavar="NAME,...", help=", ".join(AIRS))
    parser.add_argument(
        "--minutes", type=a_number(float, 0.2, 10), default=10.0, help="length of the long sets, up to 10"
    )
    parser.add_argument(
        "--commands", type=a_number(int, 2, 1000), default=60, help="starts and stops on each air"
    )
    parser.add_argument("--sets", type=a_number(int, 1, 1000), default=50, help="sets on each air")
    parser.add_argument(
        "--together", type=a_number(int, 1, len(AIRS)), default=len(AIRS),
        help="airs at once in left-right, each time with a floor; fewer takes longer and disturbs less",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="everything short, for a look")
    parser.add_argument("--out", type=Path, default=ROOT / "bench-results", metavar="DIR")
    given = parser.parse_args(arguments)
    if given.quick:
        given.minutes = min(given.minutes, 0.5)
        given.commands = min(given.commands, 10)
        given.sets = min(given.sets, 3)
    return given


def jobs(given: argparse.Namespace) -> Iterator[tuple[str, Job]]:
    """The benchmarks asked for, each with a name."""
    seconds = given.minutes * 60
    cut_s = 10.0 if given.quick else 60.0
    airs: tuple[str, ...] = given.air
    if "left-right" in given.only:
        for at in range(0, len(airs), given.together):
            some = airs[at : at + given.together]
            yield (
                f"left-right ({', '.join(some)})",
                lambda folder, out, some=some: left_right.measure(folder, out, some, seconds, cut_s),
            )
    if "command" in given.only:
        for tick_ms in (10, 0):
            yield (
                f"command (tick {tick_ms} ms)",
                lambda folder, out, tick_ms=tick_ms: command.measure(
                    folder, out, airs, given.commands, tick_ms
                ),
            )
        cuts = 3 if given.quick else 10
        yield "command (network cut)", lambda folder, out: command.measure_cut(folder, out, cuts)
    if "sets" in given.only:
        yield "sets", lambda folder, out: sets.measure(folder, out, airs, given.sets)
    if "pairs" in given.only:
        numbers = (10, 50) if given.quick else (10, 100, 500)
        yield "pairs", lambda folder, out: pairs.measure(folder, out, numbers, 12 if given.quick else 100)
    if "heap" in given.only:
        yield "heap", lambda folder, out: heap.measure(folder, out, seconds)
    if "journal" in given.only:
        appends, sessions = (100, 1_000) if given.quick else (1_000, journal.SESSIONS)
        yield "journal", lambda _folder, out: journal.measure(out, appends, sessions)
    if "light" in given.only:
        yield "light", lambda folder, out: light.measure(folder, out, min(seconds, 180.0))
    if "page" in given.only:
        loads = 3 if given.quick else 20
        yield "page", lambda folder, out: page.measure(folder, out, loads, loads)


async def run(given: argparse.Namespace) -> int:
    """Run them one after the other; 0, or 1 if one could not be taken to its end."""
    folder = given.out / time.strftime("%Y-%m-%dT%H-%M-%S")
    options = {name: value for name, value in vars(given).items() if name != "out"}
    report = Report(folder, options)
    failed = 0
    for number, (name, job) in enumerate(jobs(given)):
        progress(f"{name} begins")
        # Paths of sockets have to be short, and what the boards keep is nobody's business afterwards.
        with tempfile.TemporaryDirectory(prefix="tb-") as place:
            raw = folder / f"{number}-{name.split()[0]}"
            raw.mkdir(parents=True)
            try:
                table = await job(Path(place), raw)
            except* (BenchError, TwintapError, OSError, TimeoutError) as errors:
                logs = _logs(Path(place))
                table = Table(name, f"{name}: not taken to its end", notes=[*_reasons(errors), *logs])
                failed += 1
            table.files = [str((raw / file).relative_to(given.out)) for file in table.files]
            report.add(table)
    print(f"\nall of it: {report.path}")
    return 1 if failed else 0


def _logs(place: Path) -> list[str]:
    return [f"{log.name}: {last_words(log)}" for log in sorted(place.rglob("daemon.log"))]


def _reasons(errors: BaseExceptionGroup[BaseException]) -> Iterator[str]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _reasons(error)
        else:
            yield f"{type(error).__name__}: {error}"


def run_until_told(coroutine_of: Callable[[], Awaitable[int]]) -> int:
    """Run to the end, or until SIGTERM or Ctrl-C, and then end everything that was started."""

    async def main() -> int:
        task = asyncio.ensure_future(coroutine_of())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            return await task
        return 1

    try:
        return asyncio.run(main())
    except KeyboardInterrupt:
        return 1


if __name__ == "__main__":
    options = parse()
    sys.exit(run_until_told(lambda: run(options)))
