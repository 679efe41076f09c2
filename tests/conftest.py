"""What holds for every test: under `CI=true` a test that skips has failed, and says why.

A test on a motor's edges is repeated, at most twice, if it failed while this machine was short of cores: a
board that gets none for 20 ms skips a pulse, as it has to, and no test can tell that from a fault. What is
wrong with twintap is wrong again the next time. Which tests were repeated stands at the end of the run.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

from tests.support.host_waits import HostWaits

# A machine may be busy; how long an example takes, or takes to make, says nothing about what it shows.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

_NO_SKIPS = os.environ.get("CI", "").lower() == "true"


# Where boards run in real time.
_ON_EDGES = ("board", "browser", "firmware", "system")
_STOOD_STILL_US = 15_000
# Of the browsers' files, by what they take.
_LONGEST = ("test_work", "test_views", "test_hour", "test_work_stop", "test_light")
_TRIES = 3
_REPEATED = "repeated: work on this machine had waited for a core, ms"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if item.path.relative_to(Path(__file__).parent).parts[0] not in _ON_EDGES:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for left in reversed(range(_TRIES)):
        with HostWaits() as host:
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        failed = {report.when for report in reports if report.failed}
        # A fixture that failed is kept, failed, for its whole module.
        if not left or not failed or "setup" in failed or host.kept_us < _STOOD_STILL_US:
            break
        item.user_properties.append((_REPEATED, host.kept_us // 1_000))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, stood_ms in report.user_properties:
            if name == _REPEATED and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid} was {name} {stood_ms}")


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure is reported as "skipped" too; it ran, so it is none of ours.
    if not _NO_SKIPS or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"skipped, and CI=true allows no skips: {reason}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker is left alone with one at the end."""
    first = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: first.get(item.path.stem, len(first)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield  # a module that skips itself as a whole
    _fail_if_skipped(report)
    return report
