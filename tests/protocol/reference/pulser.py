"""A pulser's part in a set as SPEC.md has it, told as a story: one generator that lives a set from its start.

Times are plain integers in µs of the pulser's extended clock, as wide as they get. Nothing here saves memory
or keeps within 30 bits; where a rule speaks of the ring of ticks, `_ring` says so.
"""

STOP, BUTTON, LEASE, FINISHED, LONGEST, CHARGING, NEWER, LINK, FAULT = range(1, 10)

RING = 2**30
LEASE_US = 1_000_000
NEAR_US = 120_000_000
SLEW_US = 1_000
SKIP_US = 20_000
LATE_US = 2_000
EARLY_US = 500
TAIL_US = 10_000
LONGEST_MS = 600_500
TOO_FAR_US = 400_000_000


class Refused(Exception):
    """The pulser refuses a frame; the argument is the reason."""


def _ring(us):
    return (us + RING // 2) % RING - RING // 2


def _ceil(a, b):
    return -(-a // b)


class Pulser:
    """One pulser; `rows` gathers every change of its motor's level as [time, level]."""

    def __init__(self, ceiling_bp, trim_bp=10_000):
        self.ceiling_bp = ceiling_bp
        self.trim_bp = trim_bp
        self.rows = []
        self.level_bp = 0
        self.charging = False
        self.set_id = self.revision = 0
        self.held = None
        self.held_number = 0  # tells one schedule taken from the next
        self.until = None
        self.ended_set = self.ended_reason = 0
        self.pass_no = self.delivered = self.skipped = self.late = self.latest_us = 0
        self._beat = None  # the set being lived, or a buzz
        self._next = None  # when it wants to be woken
        self._buzzing = False
        self._peak = None  # of the pulse that is on
        self._part = None  # (segment, time since the set began)

    # --- time -------------------------------------------------------------------------------------------

    def due(self):
        """When something is due, or None."""
        if self._next is None:
            return None
        return self._next if self.until is None else min(self._next, self.until)

    def wake(self, now):
        """Do what is due."""
        if self._next is None:
            return
        if self.until is not None and now >= self.until:
            self.end(now, self.set_id, LEASE)
        elif self._next - now <= EARLY_US:
            self._go_on(now)

    def _go_on(self, now):
        beat = self._beat
        try:
            wanted = beat.send(now)
        except StopIteration:
            wanted = None
        if self._beat is beat:
            self._next = wanted
            if wanted is None:
                self._beat = None
                self._buzzing = False

    def _set_level(self, now, level_bp):
        if level_bp != self.level_bp:
            self.level_bp = level_bp
            self.rows.append([now, level_bp])

    # --- what arrives -----------------------------------------------------------------------------------

    def schedule(self, now, schedule):
        """A SCHEDULE; its references are stamps."""
        set_id, revision = schedule["set_id"], schedule["revision"]
        if set_id <= self.ended_set or set_id < self.set_id:
            return False
        if set_id == self.set_id and revision <= self.revision:
            return revision == self.revision
        if any(abs(segment["ref_us"] - now) > NEAR_US for segment in schedule["segments"]):
            raise Refused("field")
        if set_id != self.set_id:
            if self.set_id:
                self.end(now, set_id - 1, NEWER)
            self._still(now)
            self.set_id = set_id
            self.pass_no = self.delivered = self.skipped = self.late = self.latest_us = 0
            self._part = None
        self.revision = revision
        self.held = schedule
        self.held_number += 1
        if self.charging:
            self.end(now, set_id, CHARGING)
            return False
        if self._peak is not None:
            self._peak = min(self._peak, self._peak_now())
            self._set_level(now, min(self.level_bp, self._peak))
        return True

    def lease(self, now, lease):
        """A LEASE; its times are stamps."""
        if lease["ended_set"] > self.ended_set:
            self.end(now, lease["ended_set"], STOP)
        if not self.set_id or lease["set_id"] != self.set_id:
            return False
        if self.until is not None and now >= self.until:
            self.end(now, self.set_id, LEASE)
            return False
        if abs(lease["until_us"] - now) >= RING // 2:
            raise Refused("field")
        if lease["until_us"] <= now:
            return False
        until = min(lease["until_us"], now + LEASE_US)
        if self.until is not None:
            self.until = max(self.until, until)
            return True
        if abs(lease["go_us"] - now) > NEAR_US:
            raise Refused("field")
        self.until = until
        self._beat = self._live(lease["go_us"])
        self._next = next(self._beat)
        return True

    def end(self, now, set_id, reason):
        """Whatever ends a set: it and all before it."""
        if self._buzzing:
            self._still(now)
        if set_id > self.ended_set:
            self.ended_set, self.ended_reason = set_id, reason
        if self.set_id and self.set_id <= set_id:
            self.set_id = 0
            self.held = None
            self._still(now)

    def new_link(self, now, ended_set):
        """The first frame of a new link."""
        if self.set_id:
            self.end(now, self.set_id, LINK)
        self._still(now)
        self.ended_set = ended_set

    def charge(self, now, charging):
        """The charger is plugged in, or out."""
        self.charging = charging
        if charging:
            if self._buzzing:
                self._still(now)
            if self.set_id:
                self.end(now, self.set_id, CHARGING)

    def identify(self, now, duration_ms, level_bp):
        """An IDENTIFY."""
        if self.set_id or self.charging or self._beat or level_bp == 0:
            return False
        self._buzzing = True
        width = max(20, min(duration_ms, 1000)) * 1000
        part = {"width_us": width, "rise_us": 20_000, "fall_us": 0}
        self._beat = self._buzz(now, part, self._trimmed(level_bp))
        self._next = next(self._beat)
        return True

    def _still(self, now):
        self._beat = self._next = self._peak = None
        self.until = None
        self._buzzing = False
        self._set_level(now, 0)

    # --- the story --------------------------------------------------------------------------------------

    def _live(self, go):
        k, start = 0, go
        segment = self.held["segments"][0]
        current = (self.held_number, 0)
        ref_pass, ref = 0, go
        while True:
            if (start - go) // 1000 + _ceil(segment["phase_us"] + segment["width_us"], 1000) > LONGEST_MS:
                self._finish(LONGEST, start)
                return
            on = start + segment["phase_us"]
            now = yield on
            if self.held["passes"] and k >= self.held["passes"]:
                self._finish(FINISHED, now)
                return
            late = now - on
            self._count(late)
            self._part = (segment, start - go)
            peak = self._peak_now()
            if late > SKIP_US or late >= segment["width_us"]:
                self.skipped += 1
            elif peak:
                self.delivered += 1
                yield from self._vibrate(now, on, segment, peak, counted=True)
            is_last = self.held["passes"] and k + 1 >= self.held["passes"]
            now = yield start + segment["period_us"] - (0 if is_last else TAIL_US)

            k += 1
            expected = start + segment["period_us"]
            segments = self.held["segments"]
            index = 1 if len(segments) > 1 and k >= segments[1]["first_pass"] else 0
            segment = segments[index]
            if (self.held_number, index) != current:
                current = (self.held_number, index)
                ref_pass, ref = segment["ref_pass"], segment["ref_us"]
            pass_65536 = segment["period_us"] * 65536 + segment.get("period_frac", 0)
            if abs(k - ref_pass) > TOO_FAR_US // segment["period_us"]:
                # Our own time is the timeline from here on.
                ref_pass, ref = k, expected
            begins = ref + ((k - ref_pass) * pass_65536 >> 16)
            wrong = _ring(begins - expected)
            if abs(wrong) > NEAR_US:
                self.pass_no = k - 1
                self._finish(FAULT, now)
                return
            if abs(wrong) <= SKIP_US:
                start = expected + max(-SLEW_US, min(SLEW_US, wrong))
            else:
                if wrong < 0:
                    jump = _ceil(-wrong, segment["period_us"])
                    self.skipped += jump
                else:
                    jump = -min(wrong // segment["period_us"], k)
                later = (k + jump - ref_pass) * pass_65536 >> 16
                start = expected + wrong + later - ((k - ref_pass) * pass_65536 >> 16)
                k += jump
            self.pass_no = k
            if self.held["passes"] and k >= self.held["passes"]:
                self._finish(FINISHED, now)
                return

    def _finish(self, reason, now):
        self.end(now, self.set_id, reason)

    def _vibrate(self, now, begin, part, peak, counted):
        """One pulse that should have begun at `begin`; it is `now` that it does."""
        width, rise, fall = part["width_us"], part["rise_us"], part["fall_us"]
        rise_step = 5_000 if rise <= 250_000 else rise // 50
        fall_step = 5_000 if fall <= 250_000 else fall // 50
        levels = _ceil(rise, rise_step) + 1
        self._peak = peak
        planned, index = 0, 0
        while True:
            at = max(now - begin, planned)
            if at >= width:
                if counted:
                    self._count(now - begin - width)
                break
            if at >= width - fall:
                thousandths = (width - at) // ((fall + fall_step) // 1000 + 1)
                level = self._peak * thousandths // 1000
                level = min(self.level_bp, max(level, 1 if self._peak else 0))
                planned = min(at + fall_step, width)
            else:
                index += 1
                if index < levels:
                    level = max(self._peak * index // levels, 1 if self._peak else 0)
                    planned = min(at + rise_step, width - fall)
                else:
                    level = self._peak
                    planned = width - fall
            self._set_level(now, level)
            now = yield begin + planned
        self._peak = None
        self._set_level(now, 0)

    def _buzz(self, begin, part, peak):
        now = yield begin
        yield from self._vibrate(now, begin, part, peak, counted=False)

    def _peak_now(self):
        segment, elapsed = self._part
        level = self.held["level_bp"]
        if level == 0:
            return 0
        ramped_ms = elapsed // 1000 + segment["period_us"] // 1000
        if ramped_ms < self.held["ramp_ms"]:
            level = max(1, level * ramped_ms // self.held["ramp_ms"])
        return self._trimmed(level)

    def _trimmed(self, level):
        return min(max(1, level * self.trim_bp // 10_000), self.ceiling_bp)

    def _count(self, late):
        self.late += late > LATE_US
        self.latest_us = max(self.latest_us, late)
