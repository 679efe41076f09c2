"""The air keeps to its figures, in order, and the same for the same seed."""

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap_board.air import MODELS, Lane, model_named
from twintap_board.errors import BoardError

DRAWS = 60_000
# base, mean of jitter, share and limit of retries, share and limits of stalls (ms), loss.
PROMISED = {
    "quiet": (0.9, 0.35, 0.08, 8, 0.01, 8, 60, 0.002),
    "busy": (0.9, 0.6, 0.35, 8, 0.03, 8, 60, 0.01),
    "bad": (1.2, 1.2, 0.40, 15, 0.06, 20, 120, 0.05),
}


def drawn(name: str) -> tuple[list[float], float]:
    lane = Lane(model_named(name), random.Random("a fixed seed"))
    fates = [lane.delay_us() for _ in range(DRAWS)]
    delays = [delay / 1000 for delay in fates if delay is not None]
    return delays, 1 - len(delays) / DRAWS


@pytest.mark.parametrize("name", PROMISED)
def test_delays_and_losses_have_the_promised_means(name: str) -> None:
    base, jitter, retry, retry_max, stall, stall_min, stall_max, loss = PROMISED[name]
    delays, lost = drawn(name)
    mean = base + jitter + retry * retry_max / 2 + stall * (stall_min + stall_max) / 2
    assert statistics.fmean(delays) == pytest.approx(mean, rel=0.03)
    assert lost == pytest.approx(loss, rel=0.2)
    assert min(delays) >= base
    assert min(delays) < base + 0.01


@pytest.mark.parametrize("name", PROMISED)
def test_stalls_and_retries_come_as_often_as_promised(name: str) -> None:
    base, jitter, retry, retry_max, stall, stall_min, stall_max, _loss = PROMISED[name]
    delays, _lost = drawn(name)
    # Neither retry nor stall: only jitter, which is within ln(2) of its mean half of the time.
    fast = sum(delay < base + jitter * 0.693147 for delay in delays) / len(delays)
    untouched = (1 - retry) * (1 - stall) * 0.5
    assert untouched - 0.01 < fast < untouched + retry * jitter / retry_max + 0.01
    # Longer than any retry with much jitter: a stall. Some short stalls hide below that line.
    line = retry_max + base + 5 * jitter
    seen = sum(delay > line for delay in delays) / len(delays)
    hidden = max(0.0, (line - base - stall_min) / (stall_max - stall_min))
    assert stall * (1 - hidden) * 0.75 < seen < stall * 1.25
    assert max(delays) < base + 15 * jitter + retry_max + stall_max


def test_no_air_takes_no_time_and_loses_nothing() -> None:
    delays, lost = drawn("none")
    assert lost == 0
    assert set(delays) == {0}


@given(
    name=st.sampled_from(sorted(MODELS)),
    seed=st.integers(),
    steps=st.lists(st.tuples(st.integers(0, 10_000_000), st.integers(0, 100)), max_size=300),
)
def test_each_receiver_gets_its_datagrams_in_order_and_never_early(
    name: str, seed: int, steps: list[tuple[int, int]]
) -> None:
    lane = Lane(MODELS[name], random.Random(seed))
    now_ns, last = 10**15, dict[int, int]()
    for step_ns, receiver in steps:
        now_ns += step_ns
        release_ns = lane.release_ns(now_ns, receiver)
        if release_ns is not None:
            assert release_ns >= max(now_ns, last.get(receiver, 0))
            last[receiver] = release_ns


def test_one_receivers_stall_does_not_hold_up_another() -> None:
    lane = Lane(MODELS["bad"], random.Random(1))
    releases = [lane.release_ns(0, "one") for _ in range(500)]
    behind_a_stall = max(release for release in releases if release is not None)
    others = [lane.release_ns(0, number) for number in range(50)]
    assert min(other for other in others if other is not None) < behind_a_stall / 10


def test_the_same_seed_gives_the_same_air() -> None:
    def fates(seed: str) -> list[int | None]:
        lane = Lane(MODELS["busy"], random.Random(seed))
        return [lane.release_ns(number * 1000, "one") for number in range(1000)]

    assert fates("7/out") == fates("7/out")
    assert fates("7/out") != fates("7/in")


def test_what_is_remembered_of_receivers_is_bounded() -> None:
    lane = Lane(MODELS["quiet"], random.Random(1))
    for number in range(10_000):
        lane.release_ns(number * 10**9, number)
    assert len(lane._last_ns) < 100  # pyright: ignore[reportPrivateUsage]


def test_an_unknown_air_names_the_known_ones() -> None:
    with pytest.raises(BoardError, match="quiet, busy, bad"):
        model_named("foggy")
