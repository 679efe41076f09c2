"""The cases of vectors/schedule.json and vectors/lease.json: sets, lived by the reference."""

from tests.protocol.reference.play import played

S = 1_000_000
ORIGIN = [2, 500_000_000]
STOP, BUTTON = 1, 2


def segment(period_us=S, side="left", first_pass=0, ref_pass=0, ref_us=300_000, **more):
    """Alternation unless said otherwise: the right side's pulse begins half a pass later."""
    part = {
        "first_pass": first_pass,
        "ref_pass": ref_pass,
        "ref_us": ref_us,
        "period_us": period_us,
        "phase_us": 0 if side == "left" else period_us // 2,
        "width_us": 50_000,
        "rise_us": 20_000,
        "fall_us": 0,
    }
    return part | more


def schedule(*segments, set_id=1, revision=0, passes=0, ramp_ms=0, level_bp=5_000):
    return {
        "set_id": set_id,
        "revision": revision,
        "passes": passes,
        "ramp_ms": ramp_ms,
        "level_bp": level_bp,
        "segments": list(segments),
    }


def lease(at_us, set_id=1, go_us=300_000, for_us=S, ended_set=0):
    return [
        at_us,
        "lease",
        {"set_id": set_id, "until_us": at_us + for_us, "go_us": go_us, "ended_set": ended_set},
    ]


def renew(at_us, times, every_us=100_000, set_id=1, go_us=300_000, for_us=S, ended_set=0):
    arguments = {
        "times": times,
        "every_us": every_us,
        "set_id": set_id,
        "for_us": for_us,
        "go_us": go_us,
        "ended_set": ended_set,
    }
    return [at_us, "renew", arguments]


def sends(at_us, *segments, **more):
    return [at_us, "schedule", schedule(*segments, **more)]


def ends(at_us, set_id=1, reason=STOP):
    return [at_us, "end", {"set_id": set_id, "reason": reason}]


LOOK = "look", {}


def _case(name, acts, until_us, origin=ORIGIN, ceiling_bp=10_000, **more):
    case = {"name": name, "origin": origin, "ceiling_bp": ceiling_bp, **more}
    case |= {"acts": acts, "until_us": until_us}
    return played(case)


def _alternation():
    for rate, period_us in (("0.1", 10 * S), ("0.5", 2 * S), ("1", S), ("1.5", 666_667), ("4", 250_000)):
        for side in ("left", "right"):
            part = segment(period_us, side)
            acts = [sends(0, part, passes=4), renew(200_000, 4 * period_us // 100_000 + 2)]
            yield _case(f"{rate} Hz, {side}", acts, 5 * period_us)
    narrow = segment(250_000, "right", width_us=20_000)
    acts = [sends(0, narrow, passes=5), renew(200_000, 15)]
    yield _case("the narrowest pulse at the highest rate", acts, 2 * S)
    wide = segment(250_000, "right", width_us=125_000)
    acts = [sends(0, wide, passes=5), renew(200_000, 15)]
    yield _case("half a pass wide", acts, 2 * S)
    acts = [sends(0, segment(333_333, period_frac=21_845), passes=40), renew(200_000, 135)]
    yield _case("3 Hz keeps its fraction over 40 passes", acts, 15 * S)
    acts = [sends(0, segment(), passes=2, level_bp=0), renew(200_000, 22)]
    yield _case("a side at 0 never moves", acts, 3 * S)
    acts = [sends(0, segment(), passes=1), renew(200_000, 12)]
    yield _case("one pass", acts, 3 * S)
    acts = [sends(0, segment(fall_us=20_000, width_us=60_000), passes=2), renew(200_000, 22)]
    yield _case("a fall within the pulse", acts, 3 * S)
    acts = [sends(0, segment(rise_us=23_000, fall_us=7_000), passes=1), renew(200_000, 12)]
    yield _case("a rise and a fall that are no whole steps", acts, 2 * S)
    breath = segment(16_666_667, width_us=16_000_000, rise_us=8_000_000, fall_us=7_500_000)
    acts = [sends(0, breath, passes=2), renew(200_000, 340)]
    yield _case("breath: long rise, long fall", acts, 35 * S)
    full = segment(4 * S, width_us=4 * S, rise_us=2 * S, fall_us=2 * S)
    acts = [sends(0, full, passes=2), renew(200_000, 90)]
    yield _case("a pulse as long as its pass", acts, 9 * S)


def _levels():
    acts = [sends(0, segment(), passes=7, ramp_ms=5_000, level_bp=8_000), renew(200_000, 75)]
    yield _case("a ramp over the set", acts, 8 * S)
    acts = [sends(0, segment(), passes=3, ramp_ms=10_000, level_bp=3), renew(200_000, 35)]
    yield _case("a ramp never rounds a pulse away", acts, 4 * S)
    acts = [sends(0, segment(), passes=3, level_bp=10_000), renew(200_000, 35)]
    yield _case("the ceiling", acts, 4 * S, ceiling_bp=2_500)
    yield _case("a ceiling of 0", acts, 4 * S, ceiling_bp=0)
    yield _case("the trim comes before the ceiling", acts, 4 * S, ceiling_bp=6_000, trim_bp=7_500)
    yield _case("a trim below the ceiling", acts, 4 * S, ceiling_bp=6_000, trim_bp=2_500)
    faint = [sends(0, segment(), passes=2, level_bp=3), renew(200_000, 25)]
    yield _case("a trim never rounds a pulse away", faint, 3 * S, trim_bp=2_500)
    silent = [sends(0, segment(), passes=2, level_bp=0), renew(200_000, 25)]
    yield _case("a side at 0 stays at 0 whatever its trim", silent, 3 * S, trim_bp=2_500)
    ramped = [sends(0, segment(), passes=3, ramp_ms=3_000, level_bp=9_999), renew(200_000, 35)]
    yield _case("the trim is of the level that the ramp gives", ramped, 4 * S, trim_bp=3_333)
    wide = segment(width_us=500_000)
    acts = [
        sends(0, wide, passes=3),
        renew(200_000, 35),
        sends(1_450_000, wide, revision=1, passes=3, level_bp=2_000),
    ]
    yield _case("a lower level acts at once", acts, 4 * S)
    acts = [
        sends(0, wide, passes=3),
        renew(200_000, 35),
        sends(1_450_000, wide, revision=1, passes=3, level_bp=9_000),
    ]
    yield _case("a higher level waits for the next pulse", acts, 4 * S)
    acts = [
        sends(0, wide, passes=3),
        renew(200_000, 35),
        sends(1_450_000, wide, revision=1, passes=3, level_bp=0),
    ]
    yield _case("a level of 0 is silence at once, and the set goes on", acts, 4 * S)
    acts = [
        sends(0, wide, passes=3),
        renew(200_000, 35),
        sends(1_308_000, wide, revision=1, passes=3, level_bp=1_000),
    ]
    yield _case("a lower level within the rise", acts, 4 * S)
    acts = [
        sends(0, wide, passes=3),
        renew(200_000, 35),
        sends(1_900_000, wide, revision=1, passes=3, level_bp=1_000),
        sends(2_400_000, wide, revision=2, passes=3, level_bp=7_000),
    ]
    yield _case("levels changed between pulses and in one", acts, 4 * S)


def _changes():
    old, new = segment(), segment(500_000, first_pass=3, ref_pass=3, ref_us=3_300_000)
    for side in ("left", "right"):
        parts = segment(side=side), segment(500_000, side, first_pass=3, ref_pass=3, ref_us=3_300_000)
        acts = [
            sends(0, parts[0], passes=8),
            sends(1_500_000, *parts, revision=1, passes=8),
            renew(200_000, 70),
        ]
        yield _case(f"a faster rate from pass 3 on, {side}", acts, 7 * S)
        slow = segment(2 * S, side, first_pass=2, ref_pass=2, ref_us=2_300_000)
        acts = [
            sends(0, parts[0], passes=5),
            sends(1_500_000, parts[0], slow, revision=1, passes=5),
            renew(200_000, 90),
        ]
        yield _case(f"a slower rate from pass 2 on, {side}", acts, 9 * S)
    acts = [sends(0, old, new, passes=6), renew(200_000, 60)]
    yield _case("both segments from the start", acts, 6 * S)
    acts = [sends(0, old, passes=8), renew(200_000, 85), sends(2_500_000, new, revision=1, passes=8)]
    yield _case("the old segment already gone", acts, 8 * S)
    for name, late_us, slow in (("faster", 4_500_000, 500_000), ("slower", 4_500_000, 2 * S)):
        part = segment(slow, first_pass=3, ref_pass=3, ref_us=3_300_000)
        acts = [sends(0, old, passes=9), renew(200_000, 160), sends(late_us, old, part, revision=1, passes=9)]
        yield _case(f"a {name} rate that comes after its boundary", acts, 17 * S)
    acts = [sends(0, old, passes=9), renew(200_000, 60), sends(2_500_000, old, revision=1, passes=3)]
    yield _case("a soft stop: the running pass is the last", acts, 6 * S)
    acts = [sends(0, old, passes=9), renew(200_000, 60), sends(2_295_000, old, revision=1, passes=2)]
    yield _case("made shorter just before a pass that is no longer wanted", acts, 6 * S)
    acts = [sends(0, old, passes=2), renew(200_000, 60), sends(1_500_000, old, revision=1, passes=4)]
    yield _case("made longer", acts, 6 * S)
    acts = [sends(0, old, passes=9), renew(200_000, 60), sends(3_500_000, old, revision=1, passes=2)]
    yield _case("fewer passes than are over already", acts, 6 * S)


def _corrections():
    for name, wrong_us in (("later", 2_600), ("earlier", -2_600)):
        acts = [
            sends(0, segment(), passes=7),
            renew(200_000, 80),
            sends(1_500_000, segment(ref_us=300_000 + wrong_us), revision=1, passes=7),
        ]
        yield _case(f"a correction of 2.6 ms, {name}: at most 1 ms a pass", acts, 8 * S)
    acts = [
        sends(0, segment(side="right"), passes=7),
        renew(200_000, 80),
        sends(
            1_500_000, segment(999_990, "right", 0, 3, 3_300_007, period_frac=32_768), revision=1, passes=7
        ),
    ]
    yield _case("a corrected skew", acts, 8 * S)
    for name, wrong_us in (("30 ms later", 30_000), ("30 ms earlier", -30_000), ("2.4 s later", 2_400_000)):
        acts = [
            sends(0, segment(), passes=9),
            renew(200_000, 120),
            sends(2_500_000, segment(ref_us=300_000 + wrong_us), revision=1, passes=9),
        ]
        yield _case(f"a timeline that lies {name} is joined at its next pass", acts, 12 * S)
    for name, wrong_us in (("20 ms later", 20_000), ("20 ms earlier", -20_000)):
        acts = [
            sends(0, segment(), passes=5),
            renew(200_000, 60),
            sends(1_500_000, segment(ref_us=300_000 + wrong_us), revision=1, passes=5),
        ]
        yield _case(f"{name} is still a correction", acts, 6 * S)
    acts = [
        sends(0, segment(), passes=9),
        renew(200_000, 50),
        sends(2_500_000, segment(ref_pass=300, ref_us=2_500_000), revision=1, passes=9),
    ]
    yield _case("a timeline minutes away ends the set as a fault", acts, 6 * S)
    acts = [
        sends(0, segment(), passes=5),
        renew(200_000, 60),
        sends(1_500_000, segment(ref_pass=2_000, ref_us=2_500_000), revision=1, passes=5),
    ]
    yield _case("a reference too many passes away is left alone", acts, 6 * S)
    acts = [sends(0, segment(), passes=3), renew(200_000, 35, go_us=350_000)]
    yield _case("the first lease moves pass 0", acts, 5 * S)
    acts = [sends(0, segment(), passes=3), lease(200_000), renew(300_000, 35, go_us=900_000)]
    yield _case("only the first lease's go counts", acts, 5 * S)


def _clock():
    before = [0, 2**30 - 2_000_000]
    acts = [sends(0, segment(side="right"), passes=5), renew(200_000, 60)]
    yield _case("the ticks wrap in mid-set", acts, 7 * S, origin=before)
    part = segment(4 * S, width_us=3_000_000, rise_us=S, fall_us=S)
    acts = [sends(0, part, passes=2), renew(200_000, 90)]
    yield _case("the ticks wrap in mid-pulse", acts, 9 * S, origin=[7, 2**30 - 1_500_000])
    acts = [sends(0, segment(), passes=2), renew(200_000, 25)]
    yield _case("the ticks wrap between schedule and start", acts, 4 * S, origin=[7, 2**30 - 150_000])
    yield _case("the clock's last wrap but one", acts, 4 * S, origin=[2**30 - 2, 2**30 - 150_000])
    acts = [sends(0, segment(ref_us=120 * S), passes=2), renew(119_900_000, 25, go_us=120 * S)]
    yield _case("a reference 120 s ahead", acts, 124 * S)
    for name, ref_us in (("ahead", 120 * S + 1), ("back", -120 * S - 1), ("a wrap ahead", 2**30)):
        yield _case(
            f"a reference too far {name} is refused", [sends(0, segment(ref_us=ref_us)), [1, *LOOK]], S
        )
    two = segment(), segment(first_pass=3, ref_pass=3, ref_us=130 * S)
    yield _case("a second segment's reference too far is refused", [sends(0, *two), [1, *LOOK]], S)
    acts = [
        sends(0, segment()),
        renew(200_000, 40),
        sends(900_000, segment(ref_us=200 * S), revision=1),
        [S, *LOOK],
    ]
    yield _case("a refused schedule leaves the set alone", acts, 6 * S)


def _leases():
    acts = [sends(0, segment()), [5 * S, *LOOK]]
    yield _case("a schedule alone moves nothing", acts, 6 * S)
    yield _case("a lease alone moves nothing", [lease(0), [S, *LOOK]], 3 * S)
    acts = [sends(0, segment()), renew(200_000, 40, set_id=2), [S, *LOOK]]
    yield _case("a lease for another set moves nothing", acts, 5 * S)
    acts = [sends(0, segment()), renew(200_000, 5), [S, *LOOK], renew(2 * S, 5)]
    yield _case("a lease that ends ends the set, and none revives it", acts, 5 * S)
    wide = segment(4 * S, width_us=3_900_000)
    acts = [sends(0, wide), lease(200_000), lease(1_100_000, for_us=50_000)]
    yield _case("a pulse is cut off at the lease's end, which never moves back", acts, 5 * S)
    acts = [sends(0, wide), lease(200_000, for_us=5 * S)]
    yield _case("no lease is longer than a second from its arrival", acts, 5 * S)
    acts = [sends(0, wide), lease(200_000, for_us=0), lease(300_000, for_us=-1)]
    yield _case("a lease that is over when it arrives starts nothing", acts, 5 * S)
    for name, lease_ in (
        ("until", lease(200_000, for_us=2**29)),
        ("go, ahead", lease(200_000, go_us=121 * S)),
        ("go, back", lease(200_000, go_us=-121 * S)),
    ):
        yield _case(f"a lease with a stamp too far is refused: {name}", [sends(0, wide), lease_], 5 * S)
    acts = [sends(0, wide), lease(200_000), [900_000, "away", {"until_us": 1_500_000}], lease(1_300_000)]
    yield _case("a lease that ran out unnoticed is not renewed", acts, 5 * S)
    acts = [sends(0, segment(), passes=3), renew(100_000, 50, go_us=-150_000)]
    yield _case("a first lease that comes late: what is over is skipped", acts, 5 * S)
    acts = [sends(0, segment()), lease(200_000, ended_set=1), [S, *LOOK]]
    yield _case("a lease that says its own set has ended", acts, 3 * S)
    acts = [
        lease(0, set_id=0, ended_set=5),
        sends(100_000, segment(), set_id=5),
        sends(200_000, segment(), set_id=6),
    ]
    yield _case("an idle lease tells what has ended", [*acts, renew(250_000, 30, set_id=6)], 4 * S)


def _ends():
    wide = segment(width_us=500_000)
    acts = [
        sends(0, wide),
        renew(200_000, 40),
        ends(1_400_000),
        sends(1_500_000, wide, revision=9),
        [2 * S, *LOOK],
    ]
    yield _case("a stop; a correction that comes after it moves nothing", acts, 5 * S)
    acts = [
        sends(0, wide),
        ends(50_000),
        renew(200_000, 30),
        sends(500_000, wide, revision=1),
        renew(600_000, 20),
    ]
    yield _case("a stop before the start", acts, 5 * S)
    acts = [
        ends(0, 3),
        sends(100_000, wide, set_id=3),
        sends(110_000, wide, set_id=2),
        renew(200_000, 30, set_id=3),
    ]
    yield _case("a stop that comes before the set it ends", acts, 4 * S)
    acts = [
        sends(0, wide, set_id=4),
        renew(200_000, 40, set_id=4),
        ends(1_400_000, 3),
        ends(2_450_000, 2**30 - 1),
    ]
    yield _case("a stop of an older set leaves a newer one alone", acts, 5 * S)
    acts = [
        sends(0, wide),
        renew(200_000, 40),
        ends(1_420_000, 1, BUTTON),
        ends(1_500_000, 1),
        [2 * S, *LOOK],
    ]
    yield _case("the button; a stop after it changes no reason", acts, 5 * S)
    acts = [
        sends(0, wide),
        renew(200_000, 13),
        sends(1_400_000, wide, set_id=2),
        [1_450_000, *LOOK],
        renew(1_500_000, 20, set_id=2, go_us=2 * S),
    ]
    yield _case("a newer set ends the one that runs, and waits for its own lease", acts, 6 * S)
    acts = [sends(0, wide, set_id=2), sends(10, wide, set_id=1, revision=5), renew(200_000, 20, set_id=2)]
    yield _case("an older set is not taken", acts, 4 * S)
    other = segment(500_000, width_us=200_000)
    acts = [
        sends(0, wide, revision=3, passes=4),
        renew(200_000, 50),
        sends(900_000, other, revision=2, passes=4, level_bp=100),
        sends(910_000, other, revision=3, passes=4, level_bp=100),
    ]
    yield _case("older and repeated revisions change nothing", acts, 6 * S)
    acts = [sends(0, wide), renew(200_000, 12), [1_400_000, "new link", {"ended_set": 0}], sends(2 * S, wide)]
    yield _case(
        "a new link ends the set and begins its own count",
        [*acts, renew(2_100_000, 20, go_us=2_200_000)],
        5 * S,
    )
    acts = [[0, "new link", {"ended_set": 4}], sends(1, wide, set_id=4), sends(2, wide, set_id=5)]
    yield _case("a new link tells what has ended", [*acts, renew(200_000, 20, set_id=5)], 4 * S)
    acts = [
        sends(0, wide),
        renew(200_000, 40),
        [1_400_000, "charging", {"charging": True}],
        sends(2 * S, wide, set_id=2),
        [2_500_000, "charging", {"charging": False}],
        renew(2_600_000, 20, set_id=2),
    ]
    yield _case("charging ends the set and lets none begin", acts, 6 * S)
    # Passes of 30 s: 20 fit into ten minutes, the last one's pulse ends exactly with them.
    long = segment(30 * S, width_us=60_000, phase_us=29_940_000)
    acts = [sends(0, long), renew(200_000, 700, every_us=900_000)]
    yield _case("the longest set ends by itself, ten minutes are whole", acts, 640 * S)
    over = segment(30 * S, width_us=60_000, phase_us=29_940_000)
    acts = [
        sends(0, over),
        renew(200_000, 700, every_us=900_000),
        sends(100 * S, segment(30 * S, width_us=60_000, phase_us=29_940_000, ref_us=801_000), revision=1),
    ]
    yield _case("what a correction adds counts toward the longest set", acts, 640 * S)


def _lateness():
    acts = [sends(0, segment(), passes=4), renew(200_000, 45)]
    for name, until_us in (
        ("2 ms late is on time", 1_302_000),
        ("15 ms late, the pulse is shorter and its rise is not", 1_315_000),
        ("20 ms late is still delivered", 1_320_000),
        ("more than 20 ms late is skipped", 1_320_001),
    ):
        yield _case(name, [*acts, [1_200_000, "away", {"until_us": until_us}]], 5 * S)
    narrow = [sends(0, segment(width_us=20_000), passes=3), renew(200_000, 35)]
    acts_ = [*narrow, [1_200_000, "away", {"until_us": 1_320_000}]]
    yield _case("a pulse that would be over is skipped", acts_, 4 * S)
    acts_ = [*acts, [1_310_000, "away", {"until_us": 1_318_000}]]
    yield _case("a late step of the rise delays the rest of it", acts_, 5 * S)
    acts_ = [*acts, [1_330_000, "away", {"until_us": 1_360_000}]]
    yield _case("a late end is an end at once", acts_, 5 * S)
    acts_ = [*acts, [1_303_000, "away", {"until_us": 1_360_000}]]
    yield _case("a rise that is overtaken by the pulse's end", acts_, 5 * S)
    acts_ = [
        sends(0, segment(250_000), passes=12),
        renew(200_000, 34),
        [800_000, "away", {"until_us": 1_700_000}],
    ]
    yield _case("passes slept through are skipped, none is made up", acts_, 5 * S)
    wide = segment(width_us=400_000, fall_us=200_000)
    acts_ = [sends(0, wide, passes=3), renew(200_000, 35), [1_550_000, "away", {"until_us": 1_640_000}]]
    yield _case("a late step of the fall keeps to the plan", acts_, 4 * S)
    stale = [[at_us, "wake", {}] for at_us in (250_000, 301_000, 302_000, 340_000, 900_000, 1_299_499)]
    yield _case("a stale wake-up moves nothing", [*acts, *stale], 5 * S)
    early = [[at_us, "wake", {}] for at_us in (299_500, 299_600, 304_500, 349_500)]
    yield _case("half a millisecond early is on time", [*acts, *early], 5 * S)


def _identify():
    def buzz(at_us, duration_ms=400, level_bp=6_000):
        return [at_us, "identify", {"duration_ms": duration_ms, "level_bp": level_bp}]

    yield _case("a buzz", [buzz(0)], S)
    yield _case("a buzz is under the ceiling", [buzz(0)], S, ceiling_bp=700)
    yield _case("a buzz is trimmed as a pulse is", [buzz(0)], S, trim_bp=5_000)
    yield _case("a buzz of level 0 is none", [buzz(0, level_bp=0)], S)
    yield _case("a buzz is a second at most, 20 ms at least", [buzz(0, 60_000), buzz(1_500_000, 0)], 2 * S)
    yield _case("no second buzz within the first", [buzz(0), buzz(200_000, 1000), buzz(500_000, 100)], 2 * S)
    yield _case("no buzz in a set, armed or running", [sends(0, segment()), buzz(100_000)], S)
    acts = [
        sends(0, segment(width_us=500_000)),
        renew(200_000, 20),
        buzz(900_000),
        ends(1_400_000),
        buzz(1_500_000),
    ]
    yield _case("no buzz between pulses; one after the set", acts, 3 * S)
    acts = [[0, "charging", {"charging": True}], buzz(1), [2, "charging", {"charging": False}], buzz(3)]
    yield _case("no buzz while charging", [*acts, [200_000, "charging", {"charging": True}]], S)
    yield _case("a set that is taken ends a buzz", [buzz(0), sends(200_000, segment())], S)
    yield _case("a new link ends a buzz", [buzz(0), [200_000, "new link", {"ended_set": 0}]], S)
    yield _case("a stop ends a buzz", [buzz(0), ends(200_000, 0)], S)


def cases():
    """Those of vectors/schedule.json."""
    parts = (_alternation, _levels, _changes, _corrections, _clock, _ends, _lateness, _identify)
    return [case for part in parts for case in part()]


def lease_cases():
    """Those of vectors/lease.json."""
    return list(_leases())
