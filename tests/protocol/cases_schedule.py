"""Handler for the kinds `schedule` and `lease`: sets, act by act, and every change of the motor's level."""

from case_kit import expect

from twintap_protocol.errors import RemoteError
from twintap_protocol.frames import Lease, Schedule, Segment
from twintap_protocol.pacer import Pacer
from twintap_protocol.ticks import join_stamp, split_stamp

_MANY = 200_000  # more wakes than any case needs: one that needs more goes round in a circle

SEEN = ("set_id", "ended_set", "ended_reason", "pass_no", "delivered", "skipped", "late", "latest_us")


def spread(acts):
    """The acts in order of time, every `renew` spread out into its leases."""
    out = []
    for at_us, what, arguments in acts:
        if what != "renew":
            out.append((at_us, len(out), what, arguments))
            continue
        for number in range(arguments["times"]):
            sent_us = at_us + number * arguments["every_us"]
            lease = {
                "set_id": arguments["set_id"],
                "until_us": sent_us + arguments["for_us"],
                "go_us": arguments["go_us"],
                "ended_set": arguments["ended_set"],
            }
            out.append((sent_us, len(out), "lease", lease))
    return [(at_us, what, arguments) for at_us, _, what, arguments in sorted(out, key=lambda act: act[:2])]


class Play:
    """A Pacer, and time that goes on act by act; `rows` gathers [time, level] whenever the level changes."""

    def __init__(self, case):
        self.origin_us = join_stamp(*case["origin"])
        self.pacer = Pacer(case["ceiling_bp"])
        self.pacer.trim_bp = case.get("trim_bp", 10_000)
        self.rows = []
        self.wakes = 0
        self._away_us = None
        self._level_bp = 0

    def _look_at_motor(self, at_us):
        if self.pacer.level_bp != self._level_bp:
            self._level_bp = self.pacer.level_bp
            self.rows.append([at_us, self._level_bp])

    def _stamp(self, at_us):
        return split_stamp(self.origin_us + at_us)

    def until(self, at_us, from_us):
        """Do everything that is due up to `at_us`; nothing of it is due before `from_us`."""
        pacer = self.pacer
        while pacer.plan():
            # Both times are near each other, so that the ring tells them apart.
            due_us = from_us + (pacer.due_ticks - self._stamp(from_us)[1] + (1 << 29)) % (1 << 30) - (1 << 29)
            if due_us < from_us:
                due_us = from_us
            if self._away_us is not None and due_us < self._away_us:
                due_us = self._away_us
            if due_us > at_us:
                return
            from_us = due_us
            pacer.step(self._stamp(due_us)[1])
            self._look_at_motor(due_us)
            self.wakes += 1
            if self.wakes > _MANY:
                raise AssertionError("goes round in a circle")

    def act(self, at_us, what, arguments):
        """Do one act; give what comes of it: True, False, None or the reason of a refusal."""
        try:
            return self._act(at_us, what, arguments)
        except RemoteError as error:
            return error.reason
        finally:
            self._look_at_motor(at_us)

    def _act(self, at_us, what, arguments):
        pacer = self.pacer
        wraps, ticks = self._stamp(at_us)
        if what == "schedule":
            return pacer.accept(self._schedule(arguments), wraps, ticks)
        if what == "lease":
            return pacer.grant(self._lease(arguments), wraps, ticks)
        if what == "identify":
            return pacer.identify(arguments["duration_ms"], arguments["level_bp"], ticks)
        if what == "look":
            return self.seen()
        if what == "end":
            pacer.end(arguments["set_id"], arguments["reason"])
        elif what == "new link":
            pacer.new_link(arguments["ended_set"], 8)
        elif what == "charging":
            pacer.set_charging(arguments["charging"])
        elif what == "away":
            self._away_us = arguments["until_us"]
        elif what == "wake":
            pacer.step(ticks)
        else:
            raise ValueError(what)
        return None

    def _schedule(self, fields):
        segments = []
        for part in fields["segments"]:
            wraps, ticks = self._stamp(part["ref_us"])
            segments.append(
                Segment(
                    part["first_pass"],
                    part["ref_pass"],
                    wraps,
                    ticks,
                    part["period_us"],
                    part.get("period_frac", 0),
                    part["phase_us"],
                    part["width_us"],
                    part["rise_us"],
                    part["fall_us"],
                )
            )
        return Schedule(
            fields["set_id"],
            fields["revision"],
            fields["passes"],
            fields["ramp_ms"],
            fields["level_bp"],
            segments,
        )

    def _lease(self, fields):
        until = self._stamp(fields["until_us"])
        go = self._stamp(fields["go_us"])
        return Lease(fields["set_id"], until[0], until[1], go[0], go[1], fields["ended_set"])

    def seen(self):
        """What a report would say."""
        return {name: getattr(self.pacer, name) for name in SEEN}


def _schedule(case):
    """ceiling_bp, trim_bp if not full; origin, a stamp; acts and their outcomes; until_us; rows; end."""
    play = Play(case)
    now_us = 0
    for number, (at_us, what, arguments) in enumerate(spread(case["acts"])):
        play.until(at_us, now_us)
        now_us = at_us
        outcome = play.act(at_us, what, arguments)
        expect(f"act {number} at {at_us} us, {what}", outcome, case["outcomes"][number])
    play.until(case["until_us"], now_us)
    for number, row in enumerate(case["rows"]):
        expect(f"row {number}", play.rows[number] if number < len(play.rows) else None, row)
    expect("rows beyond the last", play.rows[len(case["rows"]) :], [])
    expect("end", play.seen(), case["end"])


HANDLERS = {"schedule": _schedule, "lease": _schedule}
