"""The pacer: one pulser's part in a set, from schedule and lease to the level of its motor.

It reads no clock. Whoever drives it gives the time as ticks, asks `plan` for the next moment at which
something is due, and calls `step` then; `level_bp` is what the motor has to do. Everything that moves or
stills a motor goes through here, so that the rules of safety stand in one place:

* a schedule alone moves nothing; the first lease of its set does;
* a lease that ends, a stop, a button, charging, the longest set, a new link: each ends the set for good;
* a set that has ended, and any set before it, never moves anything again on this link;
* no level above the ceiling, no rise faster than its ramp, no pulse made up for after its time.

Between schedules nothing here allocates, uses a float, or leaves 30 bits.
"""

from .errors import LocalError, RemoteError
from .frames import (
    ENDED_CHARGING,
    ENDED_FAULT,
    ENDED_FINISHED,
    ENDED_LEASE,
    ENDED_LONGEST,
    ENDED_NEWER,
    ENDED_NOT,
    ENDED_STOP,
    Lease,
    Schedule,
    Segment,
)
from .limits import (
    DEFAULT_CEILING_BP,
    EARLY_US,
    IDENTIFY_MAX_MS,
    LATE_EDGE_US,
    LATE_SKIP_US,
    LEASE_MS,
    MAX_LEVEL_BP,
    MAX_REF_AWAY_US,
    MAX_SET_MS,
    MAX_TRIM_BP,
    MIN_RISE_US,
    MIN_WIDTH_US,
    SLEW_US,
    TAIL_US,
)
from .pulse import Pulse
from .ticks import stamp_is_near, ticks_add, ticks_diff

_LEASE_US = LEASE_MS * 1000
_COUNT_MAX = 65_535  # what a report can carry; past it a count stays where it is
FAR_US = (1 << 29) - 1  # as far off as two ticks can be
_PRODUCT_MAX = 400_000_000  # µs; passes times period, well within 2**29


def _check_near(wraps: int, ticks: int, now_wraps: int, now_ticks: int) -> None:
    """Raises `RemoteError("field")` for a stamp more than MAX_REF_AWAY_US from now, either way."""
    away_us = ticks_diff(ticks, now_ticks)
    near = stamp_is_near(wraps, ticks, now_wraps, now_ticks)
    if not near or away_us > MAX_REF_AWAY_US or away_us < -MAX_REF_AWAY_US:
        raise RemoteError("field")


# What is due next.
REST = "rest"  # nothing: no set, or a set without a lease
WAIT = "wait"  # this side's pulse in the running pass
PULSE = "pulse"  # an edge of the pulse
TAIL = "tail"  # the end of the pass
BUZZ = "buzz"  # an edge of an identifying buzz


class Pacer:
    """One pulser's part in its sets.

    `ceiling_bp` (0 .. 10000) is the highest level that ever comes out. `trim_bp` (MIN_TRIM_BP .. MAX_TRIM_BP)
    lowers every level before the ceiling holds it, so that two motors feel the same; whoever sets it does so
    while no set is held.
    """

    def __init__(self, ceiling_bp: int = DEFAULT_CEILING_BP) -> None:
        if not 0 <= ceiling_bp <= MAX_LEVEL_BP:
            raise LocalError("the ceiling is %d bp; it has to lie in 0..%d" % (ceiling_bp, MAX_LEVEL_BP))
        self.ceiling_bp = ceiling_bp
        self.trim_bp = MAX_TRIM_BP
        self.charging = False
        self.set_id = 0  # the set that is held, armed or running; 0: none
        self.revision = 0
        self.leased = False
        self.ended_set = 0
        self.ended_reason = ENDED_NOT
        # Of the set that is held, or else of the last one:
        self.pass_no = 0
        self.delivered = 0
        self.skipped = 0
        self.late = 0
        self.latest_us = 0

        self.state = REST
        self.level_bp = 0
        self.due_ticks = 0
        self.due_is_sharp = False  # whether to the microsecond: the motor goes on or off

        self._pulse = Pulse()
        self._pulse_ticks = 0
        self._edge_ticks = 0
        self._until_ticks = 0
        self._schedule: "Schedule | None" = None
        self._segment: "Segment | None" = None  # in force in the running pass
        self._pass_ticks = 0
        self._ref_pass = 0
        self._ref_ticks = 0
        self._ref_rest = 0
        self._elapsed_ms = 0
        self._elapsed_rest_us = 0

    # --- what arrives ---------------------------------------------------------------------------------------

    def new_link(self, ended_set: int, reason: int) -> None:
        """A new link begins. What ran is over, and no set up to `ended_set` moves anything on it."""
        if self.set_id:
            self.end(self.set_id, reason)
        self._drop_buzz()
        self.ended_set = ended_set

    def accept(self, schedule: Schedule, now_wraps: int, now_ticks: int) -> bool:
        """Takes a schedule if it is newer than what is held. Tells whether it is now what is held.

        A repeat changes nothing and gives True. One for a set that has ended, or an older revision, changes
        nothing and gives False. Raises `RemoteError("field")` when a reference lies too far from now.
        """
        set_id = schedule.set_id
        if set_id <= self.ended_set or set_id < self.set_id:
            return False
        if set_id == self.set_id and schedule.revision <= self.revision:
            return schedule.revision == self.revision
        for segment in schedule.segments:
            _check_near(segment.ref_wraps, segment.ref_ticks, now_wraps, now_ticks)
        if set_id != self.set_id:
            if self.set_id:
                self.end(set_id - 1, ENDED_NEWER)
            self._drop_buzz()
            self._begin(set_id)
        self.revision = schedule.revision
        self._schedule = schedule
        if self.charging:
            self.end(set_id, ENDED_CHARGING)
            return False
        if self.state == PULSE:
            # A lower level acts at once; a higher one waits for the next pulse, and all else for a pass.
            self._pulse.lower(self._peak_bp())
            self.level_bp = self._pulse.level_bp
        return True

    def _begin(self, set_id: int) -> None:
        self.set_id = set_id
        self.leased = False
        self.pass_no = 0
        self.delivered = 0
        self.skipped = 0
        self.late = 0
        self.latest_us = 0
        self._elapsed_ms = 0
        self._elapsed_rest_us = 0
        self._segment = None

    def grant(self, lease: Lease, now_wraps: int, now_ticks: int) -> bool:
        """Takes a lease for the set that is held; tells whether the set may go on.

        Its deadline is never more than LEASE_MS from now, whatever the daemon says, and never moves back. A
        set whose lease has run out is over, even if nobody has called `step` since. The first lease of a set
        starts it: pass 0 begins at the lease's `go`. Whatever set the frame is for, its `ended_set` counts.
        Raises `RemoteError("field")` for stamps too far from now.
        """
        if lease.ended_set > self.ended_set:
            self.end(lease.ended_set, ENDED_STOP)
        set_id = self.set_id
        if not set_id or lease.set_id != set_id:
            return False
        if self.leased and ticks_diff(now_ticks, self._until_ticks) >= 0:
            self.end(set_id, ENDED_LEASE)
            return False
        if not stamp_is_near(lease.until_wraps, lease.until_ticks, now_wraps, now_ticks):
            raise RemoteError("field")
        left_us = ticks_diff(lease.until_ticks, now_ticks)
        if left_us <= 0:
            return False
        if left_us > _LEASE_US:
            left_us = _LEASE_US
        until_ticks = ticks_add(now_ticks, left_us)
        if not self.leased:
            _check_near(lease.go_wraps, lease.go_ticks, now_wraps, now_ticks)
            self._start(lease.go_ticks)
            self._until_ticks = until_ticks
        elif ticks_diff(until_ticks, self._until_ticks) > 0:
            self._until_ticks = until_ticks
        return self.set_id == set_id

    def end(self, set_id: int, reason: int) -> None:
        """Ends set `set_id` and all before it, now: the motor's level is 0 when this returns.

        `reason` is one of `frames.ENDED_...`. A set that has ended keeps the reason that it ended for. An
        identifying buzz is over too: who asks for a stop gets one.
        """
        self._drop_buzz()
        if set_id > self.ended_set:
            self.ended_set = set_id
            self.ended_reason = reason
        if self.set_id and self.set_id <= set_id:
            self.set_id = 0
            self.leased = False
            self._segment = None
            self._schedule = None
            self.still()

    def still(self) -> None:
        """The motor's level is 0, and nothing is due until a set starts."""
        self._pulse.cancel()
        self.level_bp = 0
        self.state = REST

    def set_charging(self, charging: bool) -> None:
        """Tells whether a charger is plugged in: then nothing vibrates."""
        self.charging = charging
        if charging:
            self._drop_buzz()
            if self.set_id:
                self.end(self.set_id, ENDED_CHARGING)

    def identify(self, duration_ms: int, level_bp: int, now_ticks: int) -> bool:
        """One buzz of at most IDENTIFY_MAX_MS, without a lease. False in a set, a buzz, or while charging."""
        if self.set_id or self.charging or level_bp <= 0 or self.state != REST:
            return False
        duration_us = (duration_ms if duration_ms < IDENTIFY_MAX_MS else IDENTIFY_MAX_MS) * 1000
        if duration_us < MIN_WIDTH_US:
            duration_us = MIN_WIDTH_US
        self._pulse.start(duration_us, MIN_RISE_US, 0, self._to_motor(level_bp))
        self._pulse_ticks = now_ticks
        self._edge_ticks = now_ticks
        self.state = BUZZ
        return True

    def _drop_buzz(self) -> None:
        if self.state == BUZZ:
            self.still()

    # --- the beat -------------------------------------------------------------------------------------------

    def plan(self) -> bool:
        """Whether anything is due at all; sets `due_ticks` and `due_is_sharp`."""
        if self.state == REST:
            return False
        self.due_ticks = self._edge_ticks
        # Steps within a rise or a fall are no sharp edges: a ms more or less in them is not felt.
        self.due_is_sharp = self.state == WAIT or (
            self.state != TAIL and self._pulse.next_us >= self._pulse.width_us
        )
        if self.leased and ticks_diff(self._until_ticks, self._edge_ticks) < 0:
            self.due_ticks = self._until_ticks
            self.due_is_sharp = self.level_bp > 0
        return True

    def until_sharp_us(self, now_ticks: int) -> int:
        """Microseconds until the motor next goes on or off; FAR_US while nothing is due.

        Never more than the truth, a lease's end apart, but less in the tail of a pass: there the next pass
        counts as a pulse that begins with it.
        """
        state = self.state
        if state == REST:
            return FAR_US
        if state == WAIT:
            return ticks_diff(self._edge_ticks, now_ticks)
        if state == TAIL:
            return ticks_diff(self._edge_ticks, now_ticks) + TAIL_US - SLEW_US
        return ticks_diff(self._pulse_ticks, now_ticks) + self._pulse.width_us

    def step(self, now_ticks: int) -> None:
        """Does what `plan` said is due, at `now_ticks`; a second call may be due at once.

        Before its time (by more than EARLY_US) nothing is done: a wake-up that was set for something else,
        which has been stopped since, moves nothing.
        """
        state = self.state
        if state == REST:
            return
        if self.leased and ticks_diff(now_ticks, self._until_ticks) >= 0:
            self.end(self.set_id, ENDED_LEASE)
        elif ticks_diff(self._edge_ticks, now_ticks) > EARLY_US:
            return
        elif state == PULSE:
            self._edge(now_ticks)
        elif state == WAIT:
            self._start_pulse(now_ticks)
        elif state == TAIL:
            self._next_pass()
        else:
            self._pulse.advance(ticks_diff(now_ticks, self._pulse_ticks))
            self.level_bp = self._pulse.level_bp
            self._edge_ticks = ticks_add(self._pulse_ticks, self._pulse.next_us)
            if not self._pulse.active:
                self.state = REST

    def _start(self, go_ticks: int) -> None:
        schedule = self._schedule
        if schedule is None:
            return
        self.leased = True
        segment = schedule.segments[0]
        self._segment = segment
        self._ref_pass = 0
        self._ref_ticks = go_ticks
        self._ref_rest = 0
        self._pass_ticks = go_ticks
        self._enter_pass(go_ticks, segment)

    def _enter_pass(self, pass_ticks: int, segment: Segment) -> None:
        # By our own clock, not by the number of passes: what a correction adds is part of the set as well.
        self._elapsed_rest_us += ticks_diff(pass_ticks, self._pass_ticks)
        self._elapsed_ms += self._elapsed_rest_us // 1000
        self._elapsed_rest_us %= 1000
        self._pass_ticks = pass_ticks
        end_ms = self._elapsed_ms + (segment.phase_us + segment.width_us + 999) // 1000
        if end_ms > MAX_SET_MS:
            self.end(self.set_id, ENDED_LONGEST)
            return
        self.state = WAIT
        self._edge_ticks = ticks_add(pass_ticks, segment.phase_us)

    def _start_pulse(self, now_ticks: int) -> None:
        segment = self._segment
        schedule = self._schedule
        if segment is None or schedule is None:
            self.still()
            return
        if schedule.passes and self.pass_no >= schedule.passes:
            # Made shorter while this pass was waited for.
            self.end(self.set_id, ENDED_FINISHED)
            return
        late_us = ticks_diff(now_ticks, self._edge_ticks)
        self._count_edge(late_us)
        peak_bp = self._peak_bp()
        if late_us > LATE_SKIP_US or late_us >= segment.width_us:
            if self.skipped < _COUNT_MAX:
                self.skipped += 1
            self._enter_tail()
        elif peak_bp == 0:
            self._enter_tail()
        else:
            self._pulse_ticks = self._edge_ticks
            self._set_out(segment, peak_bp)
            self.state = PULSE
            if self.delivered < _COUNT_MAX:
                self.delivered += 1
            self._walk(late_us)

    # Functions are kept small here: MicroPython takes the frame of a larger one (from about eleven words of
    # locals and arguments on) from the heap, for as long as it runs.

    def _set_out(self, segment: Segment, peak_bp: int) -> None:
        self._pulse.start(segment.width_us, segment.rise_us, segment.fall_us, peak_bp)

    def _edge(self, now_ticks: int) -> None:
        at_us = ticks_diff(now_ticks, self._pulse_ticks)
        if at_us >= self._pulse.width_us:
            self._count_edge(at_us - self._pulse.width_us)
        self._walk(at_us)

    def _walk(self, at_us: int) -> None:
        pulse = self._pulse
        pulse.advance(at_us)
        self.level_bp = pulse.level_bp
        if pulse.active:
            self._edge_ticks = ticks_add(self._pulse_ticks, pulse.next_us)
        else:
            self._enter_tail()

    def _enter_tail(self) -> None:
        segment = self._segment
        schedule = self._schedule
        if segment is None or schedule is None:
            self.still()
            return
        self.state = TAIL
        # The last pass is lived to its end; of any other the last moments belong to the next one.
        is_last = schedule.passes and self.pass_no + 1 >= schedule.passes
        self._edge_ticks = ticks_add(self._pass_ticks, segment.period_us - (0 if is_last else TAIL_US))

    def _next_pass(self) -> None:
        schedule = self._schedule
        ended = self._segment
        if schedule is None or ended is None:
            self.still()
            return
        expected_ticks = ticks_add(self._pass_ticks, ended.period_us)
        segment = self._segment_of(schedule, self.pass_no + 1)
        if segment is not ended:
            self._ref_pass = segment.ref_pass
            self._ref_ticks = segment.ref_ticks
            self._ref_rest = 0
            self._segment = segment
        self._begin_pass(self.pass_no + 1, segment, expected_ticks)

    def _segment_of(self, schedule: Schedule, pass_no: int) -> Segment:
        segments = schedule.segments
        if len(segments) > 1 and pass_no >= segments[1].first_pass:
            return segments[1]
        return segments[0]

    def _begin_pass(self, pass_no: int, segment: Segment, expected_ticks: int) -> None:
        if self._move_ref(pass_no, segment):
            wrong_us = ticks_diff(self._ref_ticks, expected_ticks)
        else:
            # A reference whose product would leave 30 bits: run on in our own time; the next one will do.
            self._ref_pass = pass_no
            self._ref_ticks = expected_ticks
            wrong_us = 0
        if wrong_us > MAX_REF_AWAY_US or wrong_us < -MAX_REF_AWAY_US:
            # No correction is as large as this: the two clocks have nothing to do with each other any more.
            self.end(self.set_id, ENDED_FAULT)
            return
        if wrong_us > LATE_SKIP_US or wrong_us < -LATE_SKIP_US:
            pass_no = self._rejoin(pass_no, wrong_us, segment)
            expected_ticks = self._ref_ticks
        elif wrong_us > SLEW_US:
            expected_ticks = ticks_add(expected_ticks, SLEW_US)
        elif wrong_us < -SLEW_US:
            expected_ticks = ticks_add(expected_ticks, -SLEW_US)
        else:
            expected_ticks = self._ref_ticks
        self.pass_no = pass_no
        if self._is_over(pass_no):
            self.end(self.set_id, ENDED_FINISHED)
        else:
            self._enter_pass(expected_ticks, segment)

    def _is_over(self, pass_no: int) -> bool:
        schedule = self._schedule
        return schedule is None or (schedule.passes > 0 and pass_no >= schedule.passes)

    def _move_ref(self, pass_no: int, segment: Segment) -> bool:
        """Brings the reference to `pass_no` along the timeline; False where that is too far."""
        passes = pass_no - self._ref_pass
        away = passes if passes >= 0 else -passes
        if away > _PRODUCT_MAX // segment.period_us:
            return False
        rest = self._ref_rest + passes * segment.period_frac
        self._ref_ticks = ticks_add(self._ref_ticks, passes * segment.period_us + (rest >> 16))
        self._ref_rest = rest & 0xFFFF
        self._ref_pass = pass_no
        return True

    def _rejoin(self, pass_no: int, wrong_us: int, segment: Segment) -> int:
        """The timeline moved by more than a correction: go on with its first pass that has not begun.

        We stand between two passes, so that nothing vibrates; passes left out are counted as skipped.
        """
        if wrong_us < 0:
            passes = (-wrong_us + segment.period_us - 1) // segment.period_us
            self.skipped = min(self.skipped + passes, _COUNT_MAX)
        else:
            passes = -(wrong_us // segment.period_us)
            if passes < -pass_no:
                passes = -pass_no
        self._move_ref(pass_no + passes, segment)
        return pass_no + passes

    def _peak_bp(self) -> int:
        schedule = self._schedule
        segment = self._segment
        if schedule is None or segment is None or schedule.level_bp == 0:
            return 0
        level_bp = schedule.level_bp
        # The ramp over the set counts the running pass as done, so that the first pulse is felt at all.
        ramped_ms = self._elapsed_ms + segment.period_us // 1000
        if ramped_ms < schedule.ramp_ms:
            level_bp = level_bp * ramped_ms // schedule.ramp_ms
        return self._to_motor(level_bp if level_bp > 0 else 1)

    def _to_motor(self, level_bp: int) -> int:
        # First the trim, then the ceiling. A level that is not 0 stays so, unless the ceiling is.
        level_bp = level_bp * self.trim_bp // MAX_TRIM_BP
        if level_bp == 0:
            level_bp = 1
        return level_bp if level_bp < self.ceiling_bp else self.ceiling_bp

    def _count_edge(self, late_us: int) -> None:
        if late_us > LATE_EDGE_US and self.late < _COUNT_MAX:
            self.late += 1
        if late_us > self.latest_us:
            self.latest_us = late_us
