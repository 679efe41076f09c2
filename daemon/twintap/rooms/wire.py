"""What one pulser is told of a set: its schedule in its own clock, and when to say it again.

A `Wire` lives as long as one set. It knows which revision carries which plan, what has been acknowledged, and
when the clock fit has moved enough to be worth another revision.
"""

from twintap_protocol import frames, limits

from ..clock import NoFit
from ..core.state import SetState
from ..core.timeline import Stretch, shape
from ..links.link import Link
from ..views import Side, SideCounts

NEVER_US = float("inf")
_CHECK_US = 500_000  # how often a schedule is held against the fit
_WRONG_US = 10.0  # a start this far off is corrected: far below what the fit itself promises
_REPEAT_US = tuple(ms * 1_000 for ms in limits.REPEAT_MS)
_REPEAT_LAST_US = limits.REPEAT_LAST_MS * 1_000
_RETRY_US = 100_000


def level_bp(level_pct: float) -> int:
    """Per cent as basis points; a level above 0 never becomes 0."""
    return max(1, round(level_pct * 100)) if level_pct > 0 else 0


class Repeat:
    """When something unacknowledged goes out again: at once, then 5, 20, 40, 80, 160 ms later, and on."""

    def __init__(self, now_us: float) -> None:
        self._first_us = now_us
        self._count = 0
        self.due_us = now_us

    def sent(self, now_us: float) -> None:
        """It went out at `now_us`; `due_us` is when it goes out again."""
        self._count += 1
        if self._count < len(_REPEAT_US):
            self.due_us = max(self._first_us + _REPEAT_US[self._count], now_us)
        else:
            self.due_us = now_us + _REPEAT_LAST_US


class Wire:
    """One side of one set. Instants are µs of the daemon's monotonic clock."""

    def __init__(self, side: Side, link: Link, now_us: float) -> None:
        self.side: Side = side
        self.link = link
        self.counts = SideCounts(0, 0, 0, 0)
        self.leased = False
        self.ended = False
        self.revision = 0
        self.acked_plan = 0
        self.lease_due_us = NEVER_US
        self.lease_repeat: Repeat | None = None
        self.stop_repeat = Repeat(now_us)
        self._plan = 0
        self._plan_revision = 0
        self._acked_revision = 0
        self._repeat = Repeat(now_us)
        self._payload = b""
        self._check_us = now_us
        self._ref_us = 0.0
        self._ref_stamp_us = 0
        self._ref_skew = 0.0

    # --- the schedule -----------------------------------------------------------------------------------

    def pump(self, current: SetState, now_us: float) -> float:
        """Sends the schedule if it is due; gives the instant at which to ask again."""
        if self.ended:
            return NEVER_US
        try:
            if self._plan != current.plan or (now_us >= self._check_us and self._is_off(current, now_us)):
                self._write(current, now_us)
        except NoFit:
            return now_us + _RETRY_US
        if now_us >= self._check_us:
            self._check_us = now_us + _CHECK_US
        if self._acked_revision >= self.revision:
            return self._check_us
        if now_us >= self._repeat.due_us:
            self.link.send_bytes(frames.SCHEDULE, self._payload)
            self._repeat.sent(now_us)
        return min(self._repeat.due_us, self._check_us)

    def _is_off(self, current: SetState, now_us: float) -> bool:
        """Whether what the pulser was told has parted from what the fit says now."""
        if current.phase != "running" or self.revision == 0:
            return False
        # Held against now, not against the reference: a skew that was wrong shows in what has passed since.
        since_us = now_us - self._ref_us
        told_us = self._ref_stamp_us + since_us * (1.0 + self._ref_skew)
        return abs(self.link.fit.to_pulser_us(round(now_us)) - told_us) > _WRONG_US

    def _write(self, current: SetState, now_us: float) -> None:
        pacing = current.pacing
        level_pct = pacing.left_pct if self.side == "left" else pacing.right_pct
        timeline = current.timeline
        segments = [self._segment(timeline.current, max(0, timeline.pass_at(now_us) + 1))]
        self._ref_us = timeline.current.pass_start_us(segments[0].ref_pass)
        self._ref_stamp_us = self.link.fit.to_pulser_us(round(self._ref_us))
        self._ref_skew = self.link.fit.skew_ppm * 1e-6
        if timeline.next is not None:
            segments.append(self._segment(timeline.next, timeline.next.first_pass))
        self.revision += 1
        schedule = frames.Schedule(
            current.set_id, self.revision, pacing.passes, pacing.ramp_ms, level_bp(level_pct), segments
        )
        buf = bytearray(limits.MAX_FRAME)
        self._payload = bytes(buf[: schedule.write(buf, 0)])
        if self._plan != current.plan:
            self._plan = current.plan
            self._plan_revision = self.revision
        self._repeat = Repeat(now_us)
        self._check_us = now_us + _CHECK_US

    def _segment(self, stretch: Stretch, ref_pass: int) -> frames.Segment:
        ref_pass = max(stretch.first_pass, ref_pass)
        wraps, ticks = self.link.stamp(stretch.pass_start_us(ref_pass))
        faster = 1.0 + self.link.fit.skew_ppm * 1e-6
        period_us = stretch.pacing.period_us * faster
        pulse = shape(stretch.pacing, self.side)
        whole_us = int(period_us)
        return frames.Segment(
            stretch.first_pass,
            ref_pass,
            wraps,
            ticks,
            whole_us,
            int((period_us - whole_us) * 65_536),
            max(0, min(round(pulse.phase_us * faster), whole_us - pulse.width_us)),
            pulse.width_us,
            pulse.rise_us,
            pulse.fall_us,
        )

    # --- the lease --------------------------------------------------------------------------------------

    def begin_leases(self, now_us: float) -> None:
        """The first lease is due now, and again until the pulser says that it has it."""
        self.lease_due_us = now_us
        self.lease_repeat = Repeat(now_us)

    def pump_lease(self, current: SetState, twin_heard_us: float, ended_set: int, now_us: float) -> float:
        """Renews the lease if it is due; gives the instant of the next renewal."""
        if self.ended or current.go_us is None:
            return NEVER_US
        if now_us < self.lease_due_us:
            return self.lease_due_us
        until_us = min(now_us, twin_heard_us) + limits.LEASE_MS * 1_000
        try:
            until = self.link.stamp(until_us)
            go = self.link.stamp(current.go_us)
        except NoFit:
            self.lease_due_us = now_us + _RETRY_US
            return self.lease_due_us
        self.link.send_lease(frames.Lease(current.set_id, *until, *go, ended_set))
        if self.lease_repeat is not None and not self.leased:
            self.lease_repeat.sent(now_us)
            self.lease_due_us = min(self.lease_repeat.due_us, now_us + limits.LEASE_RENEW_MS * 1_000)
        else:
            self.lease_due_us = now_us + limits.LEASE_RENEW_MS * 1_000
        return self.lease_due_us

    # --- the stop ---------------------------------------------------------------------------------------

    def pump_stop(self, set_id: int, now_us: float) -> float:
        """Sends the stop if it is due and not acknowledged; gives the instant of the next."""
        if self.ended:
            return NEVER_US
        if now_us >= self.stop_repeat.due_us:
            self.link.send_stop(set_id)
            self.stop_repeat.sent(now_us)
        return self.stop_repeat.due_us

    # --- what comes back --------------------------------------------------------------------------------

    def take(self, report: frames.Report, set_id: int) -> bool:
        """Takes a report; tells whether the room has to look at once: an acknowledgement, or an end."""
        is_of_this = report.set_id == set_id or (report.set_id == 0 and report.ended_set == set_id)
        if is_of_this:
            self.counts = SideCounts(report.delivered, report.skipped, report.late, report.latest_us)
        news = False
        if report.set_id == set_id:
            self.leased = self.leased or bool(report.flags & frames.FLAG_LEASED)
            if report.revision > self._acked_revision:
                self._acked_revision = report.revision
                if self._acked_revision >= self._plan_revision and self.acked_plan != self._plan:
                    self.acked_plan = self._plan
                    news = True
        if report.ended_set >= set_id and not self.ended:
            self.ended = True
            news = True
        return news
