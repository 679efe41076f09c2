"""Plays a case of vectors/schedule.json on the reference's pulser, and writes down what must come of it.

A case is a list of acts, `[at_us, what, arguments]`; times count from the case's `origin`, a stamp of the
pulser's clock. What is due at a moment is done before an act of the same moment. SPEC.md says the same.
"""

from tests.protocol.reference.pulser import Pulser, Refused


def spread(acts):
    """The acts in order of time, every `renew` spread out into its leases."""
    out = []
    for at_us, what, arguments in acts:
        if what != "renew":
            out.append((at_us, what, arguments))
            continue
        for number in range(arguments["times"]):
            sent_us = at_us + number * arguments["every_us"]
            lease = {
                "set_id": arguments["set_id"],
                "until_us": sent_us + arguments["for_us"],
                "go_us": arguments["go_us"],
                "ended_set": arguments["ended_set"],
            }
            out.append((sent_us, "lease", lease))
    return sorted(out, key=lambda act: act[0])


class Play:
    """One pulser, and time that goes on act by act."""

    def __init__(self, case):
        self.origin_us = case["origin"][0] * 2**30 + case["origin"][1]
        self.pulser = Pulser(case["ceiling_bp"], case.get("trim_bp", 10_000))
        self.now = self.origin_us
        self.away_us = self.origin_us  # nobody wakes the pulser before this

    def until(self, at_us):
        """Let everything happen that is due up to `at_us`, each on time unless somebody is away."""
        now = self.origin_us + at_us
        while (due := self.pulser.due()) is not None:
            woken = max(due, self.away_us, self.now)
            if woken > now:
                break
            self.pulser.wake(woken)
            self.now = woken
        self.now = now

    def act(self, at_us, what, arguments):
        """Do one act; give what comes of it: True, False or the reason of a refusal."""
        self.until(at_us)
        now = self.origin_us + at_us
        pulser = self.pulser
        try:
            if what == "schedule":
                segments = [dict(s, ref_us=s["ref_us"] + self.origin_us) for s in arguments["segments"]]
                return pulser.schedule(now, dict(arguments, segments=segments))
            if what == "lease":
                times = {name: arguments[name] + self.origin_us for name in ("until_us", "go_us")}
                return pulser.lease(now, arguments | times)
        except Refused as refused:
            return str(refused)
        if what == "end":
            pulser.end(now, arguments["set_id"], arguments["reason"])
        elif what == "new link":
            pulser.new_link(now, arguments["ended_set"])
        elif what == "charging":
            pulser.charge(now, arguments["charging"])
        elif what == "identify":
            return pulser.identify(now, arguments["duration_ms"], arguments["level_bp"])
        elif what == "away":
            self.away_us = self.origin_us + arguments["until_us"]
        elif what == "wake":
            pulser.wake(now)
        elif what == "look":
            return self.seen()
        else:
            raise ValueError(what)
        return None

    def rows(self):
        """Every change of the motor's level so far: [time in µs since the origin, level]."""
        return [[at - self.origin_us, level] for at, level in self.pulser.rows]

    def seen(self):
        """What a report would say."""
        names = (
            "set_id",
            "ended_set",
            "ended_reason",
            "pass_no",
            "delivered",
            "skipped",
            "late",
            "latest_us",
        )
        return {name: getattr(self.pulser, name) for name in names}


def played(case):
    """The case with what must come of it: each act's outcome, the rows, and what is seen at the end."""
    play = Play(case)
    outcomes = [play.act(*act) for act in spread(case["acts"])]
    play.until(case["until_us"])
    return case | {"outcomes": outcomes, "rows": play.rows(), "end": play.seen()}
