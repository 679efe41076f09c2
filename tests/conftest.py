"""What holds for every test: under `CI=true` a test that skips has failed, and says why.

A test on a motor's edges is repeated, at most twice, if it failed while this machine was short of cores: a
board that gets none for 20 ms skips a pulse, as it has to, and no test can tell that from a fault. What is
wrong with twintap is wrong again the next time. Which tests were repeated stands at the end of the run.
"""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

from tests.support.host_waits import HostWaits

# A machine may be busy; how long an example takes, or takes to make, says nothing about what it shows.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# What a shell starts in the background ignores Ctrl-C, and so do its children: tests send it to theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_NO_SKIPS = os.environ.get("CI", "").lower() == "true"


# Where boards run in real time.
_ON_EDGES = ("board", "browser", "firmware", "system")
_STOOD_STILL_US = 15_000
# By what they take, the longest first.
_LONGEST = (
    *("browser/test_hour", "browser/test_work", "browser/test_views", "browser/test_work_stop"),
    *("browser/test_light", "browser/test_ready", "browser/test_after"),
    *("system/test_chaos", "system/test_newcomer", "system/test_secrets"),
    *("daemon/test_cli", "system/test_command_line", "firmware/test_pulser", "system/test_controllers"),
    *("system/test_sets", "system/test_dead_man", "daemon/test_api_watch", "board/test_power"),
    *("protocol/test_pacer", "firmware/test_mending", "system/test_hostile_air", "daemon/test_api_faults"),
    *("system/test_roads", "board/test_hands", "daemon/test_hub_sets", "journal/test_copies"),
    *("daemon/test_virtual", "system/test_namespaces", "daemon/test_access_cli", "daemon/test_export_api"),
    *("system/test_sessions", "board/test_radio", "journal/test_durable"),
)
_TRIES = 3
_REPEATED = "repeated: work on this machine had waited for a core, ms"
_WHY_AT_MOST = 300


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
        item.user_properties.append((_REPEATED, f"{host.kept_us // 1_000}; {_why(reports)}"))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _why(reports: list[pytest.TestReport]) -> str:
    """What failed, in one line: a later try may fail for what this one left behind."""
    said = next(str(report.longrepr) for report in reports if report.failed)
    faults = [line.removeprefix("E").strip() for line in said.splitlines() if line.startswith("E  ")]
    return " ".join(" ".join(faults).split())[:_WHY_AT_MOST]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, told in report.user_properties:
            if name == _REPEATED and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid} was {name} {told}")


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
    items.sort(key=lambda item: first.get(f"{item.path.parent.name}/{item.path.stem}", len(first)))


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
