"""The tones of the light page with a real sound clock: planned in their place, never sudden, off on stop.

The daemon's clock is this page's own here, so that every instant is known.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.rig import PATIENCE_MS
from twintap.api.page import SCREEN

ORIGIN = "http://light.invalid"

SETUP = """async () => {
  const { Tones } = await import('/ui/js/light_sound.js');
  const { Line } = await import('/ui/js/beat.js');
  const fit = { ready: true, there: (us) => us, here: (us) => us };
  const tones = new Tones(() => fit, () => {});
  await tones.turnOn();
  const now = () => performance.now() * 1e3;
  const beat = (go, more) => ({
    set: 'a', state: 'running', first_pass: 0, start_us: go, period_us: 5e5, pulse_us: 1e5, next: null,
    go_us: go, ramp_us: 0, passes: null, end_us: null, left_pct: 40, right_pct: 40, ...more,
  });
  const line = new Line();
  const plan = () => [...tones.planned.values()].map(({ index, side, atUs, pulseUs }) => ({
    index, side, offUs: atUs - tones.clock.contextUs(pulseUs), pulseUs,
  }));
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  // Settled: a sound card that has just begun is still finding its latency.
  for (let n = 0; n < 40; n += 1) { tones.clock.look(); await wait(20); }
  window.rig = { tones, line, beat, plan, now, wait };
}"""


@pytest.fixture(scope="module")
def sounding(browser: Browser) -> Iterator[Page]:
    """A bare page with a sound clock that runs."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()

    def give(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path.startswith("/ui/"):
            route.fulfill(path=SCREEN / path.removeprefix("/ui/"))
        else:
            route.fulfill(body="<!doctype html><title>sound</title>", content_type="text/html")

    page.route("**/*", give)
    page.goto(ORIGIN)
    page.mouse.click(5, 5)  # without a touch browsers give no sound
    page.evaluate(SETUP)
    yield page
    context.close()


@pytest.fixture
def page(sounding: Page) -> Iterator[Page]:
    """The same page, silent again."""
    yield sounding
    sounding.evaluate(
        """async () => {
          const { tones, line, wait } = rig;
          tones.setTrim(0);
          tones.follow(line, false);
          while (tones.swell.gain.value > 0) await wait(20);
        }"""
    )


def run(page: Page, body: str) -> Any:
    return page.evaluate(f"async () => {{ const {{ tones, line, beat, plan, now, wait }} = rig; {body} }}")


@pytest.mark.parametrize("trim_ms", [-200, 0, 200])
def test_a_tone_is_heard_with_its_pulse_or_so_much_later_as_the_trim_says(page: Page, trim_ms: int) -> None:
    found = run(
        page,
        f"""
        tones.setTrim({trim_ms});
        line.take(beat(now() + 6e5, {{ set: 'trim{trim_ms}' }}));
        tones.follow(line, true);
        return plan();
        """,
    )
    assert len(found) >= 2
    for tone in found:
        assert tone["side"] == ("left", "right")[tone["index"] % 2]
        assert tone["offUs"] == pytest.approx(trim_ms * 1_000, abs=10)


def test_a_change_moves_the_tones_behind_its_boundary_and_no_other(page: Page) -> None:
    before, after, boundary_us = run(
        page,
        """
        const go = now() + 3e5;
        line.take(beat(go, { set: 'change' }));
        tones.follow(line, true);
        const before = plan();
        const next = { first_pass: 1, start_us: go + 5e5, period_us: 25e4, pulse_us: 5e4 };
        line.take(beat(go, { set: 'change', next }));
        tones.follow(line, true);
        return [before, plan(), next.start_us];
        """,
    )

    def starts(plan: list[dict[str, Any]], *, early: bool) -> list[float]:
        return sorted(one["pulseUs"] for one in plan if (one["pulseUs"] < boundary_us) == early)

    assert starts(after, early=True) == starts(before, early=True)
    late = starts(after, early=False)
    assert len(late) >= 3
    assert [at_us - boundary_us for at_us in late] == pytest.approx(
        [number * 125_000 for number in range(len(late))], abs=0.1
    )


@pytest.mark.parametrize("ramp_us", [0, 1_000_000])
def test_the_sound_of_a_set_rises_and_falls_and_never_steps(page: Page, ramp_us: int) -> None:
    """By the sound card's own time: no faster than 200 ms up, and down within 200 ms of the stop."""
    rising, go_s, falling, stopped_s = run(
        page,
        f"""
        const look = () => [tones.context.currentTime, tones.swell.gain.value];
        line.take(beat(now() + 3e5, {{ set: 'fade{ramp_us}', ramp_us: {ramp_us} }}));
        tones.follow(line, true);
        const go = tones.clock.contextUs(line.goUs) / 1e6;
        const rising = [];
        while (tones.swell.gain.value < 1) {{
          tones.follow(line, true);
          rising.push(look());
          await wait(5);
        }}
        const stopped = tones.context.currentTime;
        tones.follow(line, false);
        const falling = [];
        while (tones.swell.gain.value > 0) {{
          falling.push(look());
          await wait(5);
        }}
        return [rising, go, falling, stopped];
        """,
    )
    fade_s = max(0.2, ramp_us / 1e6)
    # A value is of the block of sound that was made last, at most two of the browser's steps from its time.
    for at_s, gain in rising:
        assert gain <= max(0.0, (at_s + 0.05 - go_s) / fade_s) + 0.001
    for at_s, gain in falling:
        assert gain <= max(0.0, 1 - (at_s - 0.05 - stopped_s) / 0.2) + 0.001
    assert run(page, "return tones.planned.size") == 0


def test_a_pulse_that_is_past_is_left_out(page: Page) -> None:
    found = run(
        page,
        """
        line.take(beat(now() - 6.1e5, { set: 'past' }));
        tones.follow(line, true);
        return [plan(), now()];
        """,
    )
    plan, now_us = found
    assert plan
    assert min(one["index"] for one in plan) >= 2
    assert all(one["pulseUs"] > now_us - 100_000 for one in plan)


def test_the_volume_is_capped(page: Page) -> None:
    loudest = run(
        page,
        """
        tones.setVolume(1);
        const found = [];
        while (found.length < 20 || tones.master.gain.value < 0.299) {
          found.push(tones.master.gain.value);
          await wait(10);
        }
        return Math.max(...found, tones.master.gain.value);
        """,
    )
    assert loudest <= 0.3001


def test_switched_off_nothing_is_planned_and_the_sound_card_rests(page: Page) -> None:
    state, planned = run(
        page,
        """
        await tones.turnOff();
        line.take(beat(now() + 2e5, { set: 'off' }));
        tones.follow(line, true);
        const found = [tones.context.state, tones.planned.size];
        await tones.turnOn();
        return found;
        """,
    )
    assert (state, planned) == ("suspended", 0)
