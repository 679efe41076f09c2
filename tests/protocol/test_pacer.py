"""The pacer against the reference, and against the rules of safety that hold whatever a daemon says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.handlers import cases_schedule
from tests.protocol.reference.play import Play as ReferencePlay
from tests.protocol.reference.play import spread
from twintap_protocol import pacer as pacer_module
from twintap_protocol.errors import LocalError
from twintap_protocol.limits import MAX_SET_MS
from twintap_protocol.pacer import Pacer
from twintap_protocol.pulse import Pulse
from twintap_protocol.ticks import split_stamp, ticks_diff

S = 1_000_000
RING = 2**30
ORIGINS = st.tuples(st.integers(2, 1_000), st.sampled_from((0, 5 * S, RING - 3 * S, RING - 1))).map(list)
TIMES = st.integers(0, 12 * S)
NEAR = st.integers(-3 * S, 6 * S)
SETS = st.integers(1, 3)


@st.composite
def part(draw, first_pass=0):
    period_us = draw(st.integers(249_900, 3 * S) | st.sampled_from((250_000, 500_000, S)))
    width_us = draw(st.integers(20_000, period_us) | st.just(50_000))
    rise_us = draw(st.integers(20_000, width_us) | st.just(20_000))
    return {
        "first_pass": first_pass,
        "ref_pass": draw(st.integers(0, 9) | st.just(first_pass)),
        "ref_us": draw(NEAR | st.just(300_000) | st.sampled_from((-119 * S, 119 * S, 200 * S))),
        "period_us": period_us,
        "period_frac": draw(st.integers(0, 65_535)),
        "phase_us": draw(st.sampled_from((0, (period_us - width_us) // 2, period_us - width_us))),
        "width_us": width_us,
        "rise_us": rise_us,
        "fall_us": draw(st.sampled_from((0, (width_us - rise_us) // 2, width_us - rise_us))),
    }


@st.composite
def schedules(draw):
    parts = [draw(part())]
    if draw(st.booleans()):
        parts.append(draw(part(draw(st.integers(1, 6)))))
    return {
        "set_id": draw(SETS),
        "revision": draw(st.integers(0, 3)),
        "passes": draw(st.integers(0, 6)),
        "ramp_ms": draw(st.sampled_from((0, 1_500, 10_000))),
        "level_bp": draw(st.sampled_from((0, 1, 700, 5_000, 10_000))),
        "segments": parts,
    }


LEASES = st.fixed_dictionaries(
    {
        "set_id": st.integers(0, 3),
        "until_us": st.integers(-S, 14 * S),
        "go_us": NEAR | st.sampled_from((-200 * S, 130 * S)),
        "ended_set": st.sampled_from((0, 0, 0, 0, 1, 2)),
    }
)
RENEWALS = st.fixed_dictionaries(
    {
        "times": st.integers(1, 60),
        "every_us": st.sampled_from((100_000, 250_000)),
        "set_id": SETS,
        "for_us": st.sampled_from((600_000, S, 5 * S)),
        "go_us": NEAR,
        "ended_set": st.just(0),
    }
)
ACTS = st.one_of(
    st.tuples(TIMES, st.just("schedule"), schedules()),
    st.tuples(TIMES, st.just("lease"), LEASES),
    st.tuples(st.integers(0, 4 * S), st.just("renew"), RENEWALS),
    st.tuples(
        TIMES,
        st.just("end"),
        st.fixed_dictionaries({"set_id": st.integers(0, 3), "reason": st.integers(1, 2)}),
    ),
    st.tuples(TIMES, st.just("new link"), st.fixed_dictionaries({"ended_set": st.integers(0, 2)})),
    st.tuples(TIMES, st.just("charging"), st.fixed_dictionaries({"charging": st.booleans()})),
    st.tuples(
        TIMES,
        st.just("identify"),
        st.fixed_dictionaries({"duration_ms": st.integers(0, 1_200), "level_bp": st.integers(0, 10_000)}),
    ),
    st.tuples(TIMES, st.just("wake"), st.just({})),
)


@st.composite
def cases(draw):
    """A set that is likely to run, and whatever else may come; sometimes with nobody there for a while."""
    schedule = draw(schedules())
    start = [(0, "schedule", schedule)]
    renewals = draw(RENEWALS)
    start.append((draw(st.integers(0, S)), "renew", dict(renewals, set_id=schedule["set_id"])))
    acts = start + draw(st.lists(ACTS, max_size=6))
    for at_us, for_us in draw(st.lists(st.tuples(TIMES, st.integers(0, 400_000)), max_size=3)):
        acts.append((at_us, "away", {"until_us": at_us + for_us}))
    return {
        "origin": draw(ORIGINS),
        "ceiling_bp": draw(st.sampled_from((0, 600, 6_000, 10_000))),
        "acts": acts,
        "until_us": 14 * S,
    }


class Watched(cases_schedule.Play):
    """A play that keeps, beside the rows, what the rules of safety speak of."""

    def __init__(self, case):
        super().__init__(case)
        self.leases = []  # (granted at, until at most, set)
        self.ends = []  # (at, the highest set that has ended on this link)
        self.outcomes = []

    def act(self, at_us, what, arguments):
        outcome = super().act(at_us, what, arguments)
        self.outcomes.append(outcome)
        if what == "lease" and outcome is True:
            self.leases.append((at_us, min(arguments["until_us"], at_us + S), arguments["set_id"]))
        return outcome


def play(case):
    watched = Watched(case)
    now_us = 0
    for at_us, what, arguments in cases_schedule.spread(case["acts"]):
        watched.until(at_us, now_us)
        now_us = at_us
        watched.act(at_us, what, arguments)
    watched.until(case["until_us"], now_us)
    return watched


@settings(max_examples=400)
@given(case=cases())
def test_the_pacer_does_what_the_reference_does(case):
    watched = play(case)
    reference = ReferencePlay(case)
    outcomes = [reference.act(*act) for act in spread(case["acts"])]
    reference.until(case["until_us"])
    assert watched.outcomes == outcomes
    assert watched.rows == reference.rows()
    assert watched.seen() == reference.seen()


def _stretches(rows, end_us):
    """(from, to, level) of all that is above 0."""
    for number, (at_us, level_bp) in enumerate(rows):
        if level_bp:
            yield at_us, rows[number + 1][0] if number + 1 < len(rows) else end_us, level_bp


def _away(case):
    return [(at_us, arguments["until_us"]) for at_us, what, arguments in case["acts"] if what == "away"]


@settings(max_examples=300)
@given(case=cases())
def test_no_vibration_is_above_the_ceiling_without_a_lease_or_after_its_end(case):
    case["acts"] = [act for act in case["acts"] if act[1] not in ("identify", "away")]
    watched = play(case)
    for from_us, to_us, level_bp in _stretches(watched.rows, case["until_us"]):
        assert level_bp <= case["ceiling_bp"]
        # At every moment some lease holds: the newest one granted before it.
        granted = [until for at, until, _ in watched.leases if at <= to_us]
        assert any(at <= from_us for at, _, _ in watched.leases)
        assert to_us <= max(granted)


@settings(max_examples=300)
@given(case=cases())
def test_a_pulse_never_rises_to_full_within_20_ms_however_late_it_is(case):
    case["acts"] = [act for act in case["acts"] if act[1] != "schedule" or act[0] == 0]
    watched = play(case)
    began_us = None
    for number, (at_us, level_bp) in enumerate(watched.rows):
        before_bp = watched.rows[number - 1][1] if number else 0
        if before_bp == 0:
            began_us = at_us
        if level_bp > before_bp:
            # At most the share of the peak that the rise allows by then; the peak is at most the ceiling.
            steps = (at_us - began_us) // 4_500 + 1
            assert level_bp <= case["ceiling_bp"] * min(steps, 5) / 5


@settings(max_examples=200)
@given(
    passes=st.integers(1, 12),
    period_us=st.integers(249_900, 1_200_000),
    side=st.integers(0, 1),
    origin=ORIGINS,
    jitter=st.lists(st.integers(0, 15_000), min_size=8, max_size=8),
    corrections=st.lists(st.integers(-900, 900), max_size=5),
)
def test_a_set_gives_exactly_its_pulses(passes, period_us, side, origin, jitter, corrections):
    width_us = min(50_000, period_us // 2)
    segment = {
        "first_pass": 0,
        "ref_pass": 0,
        "ref_us": 300_000,
        "period_us": period_us,
        "period_frac": 0,
        "phase_us": side * (period_us // 2),
        "width_us": width_us,
        "rise_us": 20_000,
        "fall_us": 0,
    }
    schedule = {
        "set_id": 1,
        "revision": 0,
        "passes": passes,
        "ramp_ms": 0,
        "level_bp": 5_000,
        "segments": [segment],
    }
    times = 2 + passes * period_us // 100_000 + 10
    acts = [
        (0, "schedule", schedule),
        (
            200_000,
            "renew",
            {
                "times": times,
                "every_us": 100_000,
                "set_id": 1,
                "for_us": S,
                "go_us": 300_000,
                "ended_set": 0,
            },
        ),
    ]
    for number, wrong_us in enumerate(corrections, 1):
        corrected = dict(schedule, revision=number, segments=[dict(segment, ref_us=300_000 + wrong_us)])
        acts.append((number * period_us * 2 // 3, "schedule", corrected))
    for number, for_us in enumerate(jitter):
        at_us = 310_000 + number * period_us + number * 31_000
        acts.append((at_us, "away", {"until_us": at_us + for_us}))
    case = {"origin": origin, "ceiling_bp": 6_000, "acts": acts, "until_us": times * 100_000 + S}
    watched = play(case)
    seen = watched.seen()
    assert (seen["delivered"], seen["skipped"], seen["pass_no"]) == (passes, 0, passes)
    assert (seen["ended_set"], seen["ended_reason"], seen["set_id"]) == (1, 4, 0)
    ons = [
        at for n, (at, level) in enumerate(watched.rows) if level and (not n or not watched.rows[n - 1][1])
    ]
    offs = [at for at, level in watched.rows if not level]
    assert len(ons) == len(offs) == passes
    for number, (on_us, off_us) in enumerate(zip(ons, offs, strict=True)):
        planned_us = 300_000 + number * period_us + segment["phase_us"]
        assert -1_000 <= on_us - planned_us <= 16_000
        assert off_us - planned_us - width_us >= -1_000


@settings(max_examples=200)
@given(case=cases(), end_us=st.integers(S, 9 * S), reason=st.integers(1, 9), set_id=SETS)
def test_nothing_moves_after_every_set_has_ended(case, end_us, reason, set_id):
    """Whatever is still in the air: schedules, corrections, leases, wake-ups; and a set said once more."""
    case["acts"] = [act for act in case["acts"] if act[1] not in ("new link", "identify", "away")]
    case["acts"].append((end_us, "end", {"set_id": 3, "reason": reason}))
    again = _plain()
    again["set_id"] = set_id
    again["segments"][0]["ref_us"] = end_us + 300_000
    renewals = {"times": 10, "every_us": 100_000, "set_id": set_id, "for_us": S, "ended_set": 0}
    case["acts"].append((end_us + 100_000, "schedule", again))
    case["acts"].append((end_us + 200_000, "renew", dict(renewals, go_us=end_us + 300_000)))
    watched = play(case)
    assert all(at_us <= end_us for at_us, _ in watched.rows)
    assert not watched.rows or watched.rows[-1][1] == 0
    assert not watched.pacer.plan()


@settings(max_examples=8)
@given(period_us=st.integers(249_900, 3 * S), drift_us=st.integers(-900, 900))
def test_no_set_is_longer_than_the_longest(period_us, drift_us):
    """A daemon that never stops, and that stretches every pass by as much as it may."""
    maker = cases_schedule.Play({"origin": [5, RING - 100 * S], "ceiling_bp": 10_000})
    pacer = maker.pacer
    go_us = 300_000

    def send(revision, at_us, ref_pass, ref_us):
        schedule = _plain()
        schedule["revision"] = revision
        schedule["segments"][0].update(ref_pass=ref_pass, ref_us=ref_us, period_us=period_us)
        assert maker.act(at_us, "schedule", schedule) is True

    def ticks(at_us):
        return split_stamp(maker.origin_us + at_us)[1]

    send(0, 0, 0, go_us)
    now_us = last_us = revision = pass_no = 0
    while now_us < 700 * S:
        lease = {"set_id": 1, "until_us": now_us + S, "go_us": go_us, "ended_set": 0}
        maker.act(now_us, "lease", lease)
        if not pacer.plan():
            break
        wait_us = ticks_diff(pacer.due_ticks, ticks(now_us))
        now_us += min(max(wait_us, 0), 900_000)
        if wait_us > 900_000:
            continue
        pacer.step(ticks(now_us))
        if pacer.level_bp:
            last_us = now_us
        if pacer.set_id and pacer.pass_no != pass_no:
            pass_no, revision = pacer.pass_no, revision + 1
            pacer.plan()
            begins_us = now_us + ticks_diff(pacer.due_ticks, ticks(now_us))
            send(revision, now_us, pass_no + 1, begins_us + period_us + drift_us)
    assert pacer.ended_reason == 5
    assert 595 * S < last_us - go_us < MAX_SET_MS * 1000
    assert now_us - go_us <= MAX_SET_MS * 1000 + period_us  # and by then it says so


def test_a_ceiling_out_of_range_is_refused():
    for ceiling_bp in (-1, 10_001):
        with pytest.raises(LocalError, match=r"it has to lie in 0..10000"):
            Pacer(ceiling_bp)


def test_counts_stay_at_what_a_report_can_carry():
    case = {
        "origin": [3, 0],
        "ceiling_bp": 10_000,
        "acts": [
            (0, "schedule", _plain()),
            (200_000, "lease", {"set_id": 1, "until_us": S, "go_us": 300_000, "ended_set": 0}),
        ],
        "until_us": 250_000,
    }
    watched = play(case)
    pacer = watched.pacer
    pacer.delivered = pacer.skipped = pacer.late = 65_535
    pacer.step(split_stamp(watched.origin_us + 310_000)[1])
    assert (pacer.delivered, pacer.late) == (65_535, 65_535)
    pacer.grant(watched._lease({"set_id": 1, "until_us": 2 * S, "go_us": 0, "ended_set": 0}), 3, 990_000)
    for at_us in (360_000, 1_290_000, 1_321_000):
        pacer.step(split_stamp(watched.origin_us + at_us)[1])
    assert pacer.skipped == 65_535


def _plain():
    return {
        "set_id": 1,
        "revision": 0,
        "passes": 0,
        "ramp_ms": 0,
        "level_bp": 5_000,
        "segments": [
            {
                "first_pass": 0,
                "ref_pass": 0,
                "ref_us": 300_000,
                "period_us": S,
                "phase_us": 0,
                "width_us": 50_000,
                "rise_us": 20_000,
                "fall_us": 0,
            }
        ],
    }


def test_a_soft_stop_ends_an_open_set_of_4_hz_that_is_nearly_the_longest():
    period_us, passes = 250_000, 2_390
    open_set = _plain()
    open_set["segments"][0]["period_us"] = period_us
    soft = dict(open_set, revision=1, passes=passes)
    ref_us = 300_000 + (passes - 2) * period_us
    soft["segments"] = [dict(open_set["segments"][0], ref_pass=passes - 2, ref_us=ref_us)]
    renew = {"every_us": 100_000, "set_id": 1, "for_us": S, "go_us": 300_000, "ended_set": 0}
    acts = [
        (0, "schedule", open_set),
        (200_000, "renew", dict(renew, times=6_000)),
        (ref_us - 10_000, "schedule", soft),
    ]
    seen = play({"origin": [3, 0], "ceiling_bp": 10_000, "acts": acts, "until_us": 600 * S}).seen()
    assert (seen["ended_set"], seen["ended_reason"]) == (1, 4)
    assert (seen["delivered"], seen["skipped"], seen["pass_no"]) == (passes, 0, passes)


def test_a_sharp_edge_is_where_the_motor_goes_on_or_off():
    case = {
        "origin": [3, 0],
        "ceiling_bp": 10_000,
        "acts": [
            (0, "schedule", _plain()),
            (200_000, "lease", {"set_id": 1, "until_us": S + 200_000, "go_us": 300_000, "ended_set": 0}),
        ],
        "until_us": 250_000,
    }
    pacer = play(case).pacer
    sharp = []
    now_us = 250_000
    while pacer.plan():
        now_us = pacer.due_ticks
        if pacer.due_is_sharp:
            sharp.append(now_us)
        pacer.step(now_us)
    # On, off, and the lease's end at 1.2 s, which comes while the motor is off.
    assert sharp == [300_000, 350_000]
    assert now_us == 1_200_000
    assert pacer.until_sharp_us(now_us) == pacer_module.FAR_US


def test_until_sharp_is_never_more_than_the_truth():
    case = {
        "origin": [3, 0],
        "ceiling_bp": 10_000,
        "acts": [
            (0, "schedule", _plain()),
            (200_000, "lease", {"set_id": 1, "until_us": 5 * S, "go_us": 300_000, "ended_set": 0}),
        ],
        "until_us": 250_000,
    }
    watched = play(case)
    pacer = watched.pacer
    seen = []
    for now_us in (250_000, 300_000, 305_000, 350_000, 1_290_000):
        if now_us > 250_000:
            pacer._until_ticks = now_us + S
            pacer.step(now_us)
        seen.append((now_us, pacer.until_sharp_us(now_us)))
    # Before the pulse, in it, in its tail (a slew of 1 ms may bring the next one nearer), and worked out.
    assert seen == [
        (250_000, 50_000),
        (300_000, 50_000),
        (305_000, 45_000),
        (350_000, 949_000),
        (1_290_000, 10_000),
    ]


def test_a_pulse_of_level_0_stays_at_0():
    pulse = Pulse()
    pulse.start(100_000, 20_000, 50_000, 0)
    at_us = 0
    while pulse.active:
        pulse.advance(at_us)
        assert pulse.level_bp == 0
        at_us = pulse.next_us


def test_a_higher_peak_does_not_raise_a_pulse_that_is_on():
    pulse = Pulse()
    pulse.start(100_000, 20_000, 0, 5_000)
    for _ in range(5):
        pulse.advance(pulse.next_us)
    pulse.lower(9_000)
    assert (pulse.level_bp, pulse.peak_bp) == (5_000, 5_000)
    pulse.lower(300)
    assert (pulse.level_bp, pulse.peak_bp) == (300, 300)


def test_a_lower_peak_leaves_a_level_that_is_below_it():
    pulse = Pulse()
    pulse.start(100_000, 20_000, 0, 5_000)
    pulse.advance(0)
    pulse.lower(4_000)
    assert (pulse.level_bp, pulse.peak_bp) == (1_000, 4_000)


@pytest.mark.parametrize("state", [pacer_module.WAIT, pacer_module.PULSE, pacer_module.TAIL])
def test_a_pacer_that_has_lost_its_schedule_stands_still(state):
    """It cannot happen; if it does, nothing vibrates for want of a schedule that would end it."""
    pacer = Pacer()
    pacer.state = state
    pacer.level_bp = 4_000
    pacer.step(0)
    assert (pacer.level_bp, pacer.state, pacer.plan()) == (0, pacer_module.REST, False)
    pacer._start(0)
    assert not pacer.leased
