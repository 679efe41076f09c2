"""What is known of a pulser and of a set, put into the plain values that controllers are shown."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from twintap_protocol import frames

from ..bundled import firmware_version
from ..core.pacing import OPEN
from ..core.state import SetState
from ..links.pulser import Pulser
from ..views import Battery, ClockView, PulserView, SetView, Side, SideCounts
from .wire import Wire


def set_view(
    current: SetState | None,
    wires: Mapping[Side, Wire],
    uid: str,
    started_at: str | None,
    error_us: float | None,
    now_us: int,
) -> SetView | None:
    """One set as controllers are shown it.

    `uid`: its own id. `started_at`: RFC 3339, when its first lease went out. `error_us`: the largest error
    between left and right that was seen in it.
    """
    if current is None:
        return None
    until_us = current.ended.at_us if current.ended is not None else now_us
    passes = max(0, current.timeline.pass_at(until_us)) if current.go_us is not None else 0
    if current.pacing.passes != OPEN:
        passes = min(passes, current.pacing.passes)
    elapsed_us = until_us - current.go_us if current.go_us is not None else 0
    nothing = SideCounts(0, 0, 0, 0)
    sides = {side: wire.counts for side, wire in wires.items()}
    ended = current.ended
    return SetView(
        uid,
        current.set_id,
        current.phase,
        current.pacing.as_dict(),
        current.waiting.as_dict() if current.waiting is not None else None,
        passes,
        started_at,
        max(0, int(elapsed_us // 1_000)),
        current.actor,
        ended.by if ended is not None else None,
        ended.reason if ended is not None else None,
        ended.side if ended is not None else None,
        sides.get("left", nothing),
        sides.get("right", nothing),
        error_us,
        current.silent,
    )


def pulser_view(pulser: Pulser, now_us: int) -> PulserView:
    """One pulser as controllers are shown it."""
    link, report = pulser.link, pulser.report
    heard_at: str | None = None
    heard_us = link.heard_us if link is not None else pulser.heard_at_us
    if heard_us is not None:
        heard_at = (
            (datetime.now(UTC) - timedelta(microseconds=now_us - heard_us))
            .astimezone()
            .isoformat(timespec="milliseconds")
        )
    clock = ClockView("empty", None, None)
    if link is not None:
        state = link.fit.state(now_us).value
        is_known = link.fit.newest_daemon_us is not None
        error_us = round(link.fit.error_us(now_us), 1) if is_known else None
        clock = ClockView(state, error_us, round(link.fit.skew_ppm, 3) if is_known else None)
    flags = report.flags if report is not None else 0
    return PulserView(
        pulser.id,
        pulser.pairing.name,
        pulser.pairing.room,
        pulser.pairing.side,
        pulser.state,
        f"{pulser.address[0]}:{pulser.address[1]}" if pulser.address is not None else None,
        heard_at,
        (report.battery_mv or None) if report is not None else None,  # 0: not measured
        bool(flags & frames.FLAG_CHARGING) if report is not None else None,
        bool(flags & frames.FLAG_VIBRATING),
        report.ceiling_bp / 100 if report is not None else None,
        f"{report.version_major}.{report.version_minor}.{report.version_patch}" if report else None,
        report.presses if report is not None else 0,
        pulser.dropped + (report.dropped if report is not None else 0),
        clock,
        power=pulser.rest(now_us),
        battery=battery_of(report),
        trim_pct=report.trim_bp / 100 if report is not None and report.trim_bp else None,
        networks=report.networks if report is not None and report.trim_bp else None,
        rssi_dbm=-report.rssi if report is not None and report.rssi else None,
        boot_cause=_boot_cause(report),
        charge_left_min=_charge_left_min(pulser),
        firmware_is_old=_is_old(report),
    )


_BATTERIES: tuple[Battery, ...] = ("unknown", "fine", "low", "empty")
_CHARGE_SHOWN_MIN = 24 * 60  # past this the figure says nothing


def battery_of(report: frames.Report | None) -> Battery:
    """How a pulser judges its own charge; one that a later firmware might know is unknown here."""
    if report is None or report.battery >= len(_BATTERIES):
        return "unknown"
    return _BATTERIES[report.battery]


def _boot_cause(report: frames.Report | None) -> str | None:
    if report is None or report.boot_cause == frames.BOOT_UNKNOWN:
        return None
    return frames.BOOT_NAMES.get(report.boot_cause)


def _charge_left_min(pulser: Pulser) -> int | None:
    left_min = pulser.charge.left_min if pulser.link is not None else None
    return min(_CHARGE_SHOWN_MIN, int(left_min)) if left_min is not None else None


def _is_old(report: frames.Report | None) -> bool:
    bundled = firmware_version()
    if report is None or bundled is None:
        return False
    return (report.version_major, report.version_minor, report.version_patch) < bundled
