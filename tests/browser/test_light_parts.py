"""The parts of the light page that need no daemon: the clock's fit, the beat, figures, tones."""

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route
from pydantic import TypeAdapter

from twintap.api.page import SCREEN
from twintap.core.pacing import Pacing
from twintap.core.state import RoomState, SetAsked, SetStarted, evolve
from twintap.core.timeline import Timeline, shape
from twintap.rooms.beat import beat_of

ORIGIN = "http://light.invalid"
GO_US = 7.25e9


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A bare page that may import the screen's modules, straight from their files."""
    context = browser.new_context()
    page = context.new_page()

    def give(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path.startswith("/ui/"):
            route.fulfill(path=SCREEN / path.removeprefix("/ui/"))
        else:
            route.fulfill(body="<!doctype html><title>parts</title>", content_type="text/html")

    page.route("**/*", give)
    page.goto(ORIGIN)
    yield page
    context.close()


def run(page: Page, module: str, body: str, given: Any = None) -> Any:
    """Run `body` with what the module exports (as `m`) and `given`; give what it returns."""
    return page.evaluate(
        f"async (given) => {{ const m = await import('/ui/js/{module}.js'); {body} }}", given
    )


# --- the clock's fit ---------------------------------------------------------------------------------------


def probes(
    seed: int, *, skew_ppm: float, offset_us: float, seconds: float, out_us: float, back_us: float
) -> list[list[float]]:
    """Bursts each half second over a way whose delays are exponential with these means, above 400 µs."""
    chance = random.Random(seed)
    found: list[list[float]] = []
    at_us = 1e6
    while at_us < seconds * 1e6:
        for _ in range(3):
            t1 = at_us
            out = 400 + chance.expovariate(1 / out_us)
            back = 400 + chance.expovariate(1 / back_us)
            there = t1 + out + offset_us + (t1 + out) * skew_ppm * 1e-6
            t4 = t1 + out + 30 + back
            found.append([t1, there, there + 30, round(t4, -1)])
            at_us = t4 + 50
        at_us += 500_000
    return found


FIT = """
  const fit = new m.ClockFit();
  const worst = [];
  for (const [t1, t2, t3, t4] of given.probes) {
    fit.add(t1, t2, t3, t4);
    const here = t4 + 300e3;
    const error = fit.there(here) - (here + given.offset + here * given.skew * 1e-6);
    worst.push([t4, error, fit.boundUs, fit.here(fit.there(here)) - here]);
  }
  return worst;
"""


@pytest.mark.parametrize("skew_ppm", [-80.0, 0.0, 35.0])
@pytest.mark.parametrize(("out_us", "back_us"), [(100, 100), (3_000, 3_000), (20_000, 2_000)])
def test_the_fit_finds_the_daemons_clock_over_any_air(
    page: Page, skew_ppm: float, out_us: float, back_us: float
) -> None:
    offset = 8.64e11
    stamps = probes(3, skew_ppm=skew_ppm, offset_us=offset, seconds=60, out_us=out_us, back_us=back_us)
    found = run(page, "clockfit", FIT, {"probes": stamps, "offset": offset, "skew": skew_ppm})
    # From the first burst it is good for a light, after half a minute for any ear.
    early = [abs(error) for at_us, error, _, _ in found if 2e6 < at_us < 10e6]
    late = [abs(error) for at_us, error, _, _ in found if at_us > 30e6]
    assert max(early) < 6_000
    assert max(late) < max(250, 0.25 * out_us)
    # It never promises more than it keeps, and both ways of asking it agree.
    assert all(abs(error) < bound + 300 for at_us, error, bound, _ in found if at_us > 2e6)
    assert max(abs(back) for *_, back in found) < 0.01


def test_a_step_of_the_clock_is_noticed_and_one_bad_probe_is_not_a_step(page: Page) -> None:
    before = probes(5, skew_ppm=10, offset_us=1e9, seconds=10, out_us=200, back_us=200)
    spoilt = [[*before[-1][:1], before[-1][1] + 5e6, before[-1][2] + 5e6, before[-1][3]]]
    after = [
        [t1 + 20e6, t2 + 25e6, t3 + 25e6, t4 + 20e6]
        for t1, t2, t3, t4 in probes(6, skew_ppm=10, offset_us=1e9, seconds=4, out_us=200, back_us=200)
    ]
    body = """
      const fit = new m.ClockFit();
      for (const one of given.before) fit.add(...one);
      const spoilt = fit.add(...given.spoilt[0]);
      const held = fit.there(12e6) - 12e6;
      for (const one of given.after) fit.add(...one);
      return [spoilt, held, fit.there(25e6) - 25e6];
    """
    spoilt_is_used, held, stepped = run(
        page, "clockfit", body, {"before": before, "spoilt": spoilt, "after": after}
    )
    assert spoilt_is_used is False
    assert held == pytest.approx(1e9, abs=500)
    assert stepped == pytest.approx(1e9 + 5e6, abs=1_000)


def test_stamps_that_cannot_be_are_refused(page: Page) -> None:
    body = """
      const fit = new m.ClockFit();
      const bad = [
        [0, 5, 4, 10], [0, NaN, 4, 10], [0, 4, 5, Infinity], [undefined, 4, 5, 6], [0, 1, 2, 3e6],
        [1e6, 10, 20, 0], [0, '4', 5, 6],
      ];
      return [bad.map((one) => fit.add(...one)), fit.ready];
    """
    assert run(page, "clockfit", body) == [[False] * 7, False]


def test_a_skew_that_no_crystal_has_is_refused(page: Page) -> None:
    stamps = probes(8, skew_ppm=2_000, offset_us=0, seconds=20, out_us=50, back_us=50)
    body = """
      const fit = new m.ClockFit();
      let most = 0;
      for (const one of given) { fit.add(...one); most = Math.max(most, Math.abs(fit.skew)); }
      return most;
    """
    assert run(page, "clockfit", body, stamps) <= 500e-6


# --- the beat's mathematics --------------------------------------------------------------------------------


def beat_with(
    pacing: Pacing, then: Pacing | None = None, at_us: float = 0.0
) -> tuple[dict[str, Any], Timeline]:
    """The beat that the daemon sends of a set, with a change that was asked for at `at_us`."""
    state = evolve(RoomState(), SetAsked(1, pacing, "ann", GO_US, 0, GO_US - 1e5))
    held = evolve(state, SetStarted(GO_US)).set
    assert held is not None
    timeline = held.timeline if then is None else held.timeline.with_next(then, at_us)
    beat = beat_of(replace(held, timeline=timeline))
    return json.loads(TypeAdapter(type(beat)).dump_json(beat)), timeline


CASES = [
    (Pacing(rate_hz=1, pulse_ms=100, passes=8), None, 0.0),
    (Pacing(rate_hz=4, pulse_ms=125, passes=12), None, 0.0),
    (Pacing(rate_hz=0.1, pulse_ms=5_000, passes=2), None, 0.0),
    (Pacing(rate_hz=1, pulse_ms=100, passes=8), Pacing(rate_hz=2, pulse_ms=40, passes=8), GO_US + 1.3e6),
    (Pacing(rate_hz=3.7, pulse_ms=60, passes=30), Pacing(rate_hz=0.4, pulse_ms=700, passes=30), GO_US + 9e5),
]


@pytest.mark.parametrize(("pacing", "then", "at_us"), CASES)
def test_the_page_counts_the_same_pulses_as_the_daemon(
    page: Page, pacing: Pacing, then: Pacing | None, at_us: float
) -> None:
    beat, timeline = beat_with(pacing, then, at_us)
    body = """
      const line = new m.Line();
      line.take(given);
      return [line.pulses(0, Infinity), line.endUs];
    """
    found, end_us = run(page, "beat", body, beat)
    expected: list[tuple[str, float, float]] = []
    for pass_no in range(pacing.passes):
        held = then if then is not None and pass_no >= timeline.next.first_pass else pacing  # type: ignore[union-attr]
        for side in ("left", "right"):
            pulse = shape(held, side)
            start_us = timeline.pass_start_us(pass_no) + pulse.phase_us
            expected.append((side, start_us, start_us + pulse.width_us))
    assert [one["side"] for one in found] == [side for side, _, _ in expected]
    for one, (_, start_us, over_us) in zip(found, expected, strict=True):
        assert one["startUs"] == pytest.approx(start_us, abs=0.01)
        assert one["endUs"] == pytest.approx(over_us, abs=0.01)
        assert one["middleUs"] == pytest.approx((start_us + over_us) / 2, abs=0.01)
    assert end_us == pytest.approx(expected[-1][2], abs=0.01)


@pytest.mark.parametrize(("pacing", "then", "at_us"), CASES)
def test_the_light_is_at_its_end_with_each_pulse_and_never_leaps(
    page: Page, pacing: Pacing, then: Pacing | None, at_us: float
) -> None:
    beat, timeline = beat_with(pacing, then, at_us)
    taken = None
    if timeline.next is not None:
        later = timeline.taken(timeline.next.start_us).current
        taken = beat | {
            "first_pass": later.first_pass, "start_us": later.start_us, "next": None,
            "period_us": later.pacing.period_us, "pulse_us": shape(later.pacing, "left").width_us,
        }  # fmt: skip
    body = """
      const line = new m.Line();
      line.take(given.beat);
      const pulses = line.pulses(0, Infinity);
      const ends = pulses.map((one) => line.place(one.middleUs));
      const places = [];
      for (let at = given.go - 5e5; at < line.endUs + 5e5; at += 1e3) {
        // The daemon says that a change is taken a little after it is.
        if (given.taken && at > given.taken.start_us + 2e4) line.take(given.taken);
        places.push(line.place(at));
      }
      return [ends, places];
    """
    ends, places = run(page, "beat", body, {"beat": beat, "taken": taken, "go": GO_US})
    assert ends == pytest.approx([-1, 1] * pacing.passes, abs=1e-6)
    fastest = max(pacing.rate_hz, then.rate_hz if then else 0)
    steps = [abs(two - one) for one, two in itertools.pairwise(places)]
    # A pendulum's greatest speed is pi times its swings; between two rates one half-swing may be shorter.
    assert max(steps) < 2 * 3.15 * fastest * 1e-3 * 1.5
    assert (places[0], places[-1]) == (-1, 1)


def test_a_side_is_lit_with_its_own_pulses_alone(page: Page) -> None:
    beat, _ = beat_with(Pacing(rate_hz=1, pulse_ms=200, passes=3))
    body = """
      const line = new m.Line();
      line.take(given);
      const found = [];
      for (let at = given.go_us - 1e5; at < line.endUs + 3e5; at += 1e3) {
        found.push([at - given.go_us, line.lit(at, 'left'), line.lit(at, 'right')]);
      }
      return found;
    """
    for at_us, left, right in run(page, "beat", body, beat):
        in_pass = at_us % 1e6
        if left > 0:
            assert 0 < in_pass < 280_001
        if right > 0:
            assert 500_000 < in_pass < 780_001
        assert min(left, right) == 0
        if at_us > 0 and at_us < 3e6 and 60_000 <= in_pass <= 200_000:
            assert left == 1


@pytest.mark.parametrize("less_motion", [False, True])
@pytest.mark.parametrize("chosen", ["auto", "bars"])
def test_nothing_flashes_more_than_three_times_a_second(page: Page, chosen: str, less_motion: bool) -> None:
    """At every rate, whatever the device prefers: flashes are counted wherever bars are shown."""
    body = """
      const { figureFor } = await import('/ui/js/light_figure.js');
      const found = [];
      for (let rate = 0.1; rate <= 4.001; rate += 0.05) {
        const line = new m.Line();
        const paced = { period_us: 1e6 / rate, pulse_us: Math.min(100e3, 0.5e6 / rate), passes: null };
        line.take({ ...given.beat, ...paced });
        const { figure, why } = figureFor(given.chosen, 1e6 / rate, given.less);
        let flashes = 0;
        for (const side of ['left', 'right']) {
          let isUp = false;
          for (let at = given.beat.go_us; at < given.beat.go_us + 20e6; at += 2e3) {
            const lit = line.lit(at, side);
            if (!isUp && lit > 0.5) { isUp = true; flashes += 1; }
            if (lit < 0.1) isUp = false;
          }
        }
        found.push([rate, figure, why, flashes / 20]);
      }
      return found;
    """
    beat, _ = beat_with(Pacing())
    found = run(page, "beat", body, {"beat": beat, "chosen": chosen, "less": less_motion})
    assert {figure for _, figure, _, _ in found} <= {"dot", "bars", "still"}
    for rate, figure, why, flashes in found:
        if figure == "bars":
            assert flashes <= 3.11, rate  # 20 s hold one flash more than their rate at the most
        elif chosen == "bars":
            assert why == ("still" if less_motion else "fast")
        assert not (less_motion and figure == "dot")
    assert any(figure == "bars" for _, figure, _, _ in found) == (chosen == "bars" or less_motion)


# --- tones -------------------------------------------------------------------------------------------------

RENDER = """
  const RATE = 48000;
  const context = new OfflineAudioContext(2, RATE * 1.2, RATE);
  const volume = new GainNode(context, { gain: m.PEAK });
  volume.connect(context.destination);
  const tone = m.makeTone(context, volume, given.timbre, given.side, 0.25, given.longest);
  if (given.cancelled) tone.cancel(0);
  const sound = await context.startRendering();
  return [0, 1].map((channel) => {
    const data = sound.getChannelData(channel);
    const loud = Array.from(data, Math.abs);
    let most = 0;
    for (let at = 1; at < data.length; at += 1) most = Math.max(most, Math.abs(data[at] - data[at - 1]));
    const first = loud.findIndex((one) => one > 0);
    return {
      peak: Math.max(...loud), leap: most, first: first / RATE,
      begun: Math.max(...loud.slice(0, RATE * 0.26)), last: loud.findLastIndex((one) => one > 0) / RATE,
    };
  });
"""


@pytest.mark.parametrize("timbre", ["soft", "wood", "bell", "low"])
@pytest.mark.parametrize(("side", "longest"), [("left", 0.5), ("right", 0.125)])
def test_a_tone_is_heard_on_its_side_softly_and_in_its_time(
    page: Page, timbre: str, side: str, longest: float
) -> None:
    given = {"timbre": timbre, "side": side, "longest": longest, "cancelled": False}
    own, other = run(page, "light_tones", RENDER, given)
    if side == "right":
        own, other = other, own
    assert other["peak"] < 1e-6
    assert 0.1 < own["peak"] <= 0.3
    assert own["first"] == pytest.approx(0.25, abs=0.001)
    assert own["last"] <= 0.25 + longest + 0.001
    # Half a rise after it began it is at most half as loud, and nothing in it clicks.
    assert own["begun"] <= 0.6 * own["peak"]
    assert own["leap"] < 0.05


def test_a_tone_that_is_cancelled_before_its_time_is_not_heard(page: Page) -> None:
    given = {"timbre": "soft", "side": "left", "longest": 0.5, "cancelled": True}
    assert all(channel["peak"] == 0 for channel in run(page, "light_tones", RENDER, given))


# --- settings ----------------------------------------------------------------------------------------------


def test_settings_that_somebody_spoilt_are_as_good_as_none(page: Page) -> None:
    body = """
      const storage = (text) => ({ getItem: () => text });
      const usual = m.readSettings(null);
      return [usual, ...given.map((text) => m.readSettings(storage(text)))];
    """
    usual, *found = run(
        page,
        "light_settings",
        body,
        ["{", "null", "[]", '{"figure": "<b>", "trim_ms": 9e9, "size": null}', '{"colour": "rose"}'],
    )
    assert found[:3] == [usual] * 3
    assert found[3] == usual | {"trim_ms": 300}
    assert found[4] == usual | {"colour": "rose"}
