"""Four boards, and something happens to one twice a second for a minute; ten and longer in `make soak`."""

from pathlib import Path

import pytest

from tests.support.chaos import Chaos, any_seed
from tests.support.rig import Daemon

RAGE_S = 60.0
EVERY_S = 0.5


@pytest.mark.timeout(400)
def test_four_boards_that_reboot_move_and_lose_air_for_a_minute_are_at_last_who_they_were(
    daemon: Daemon, folder: Path
) -> None:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    seed = any_seed()
    print(f"TWINTAP_SEED={seed}")
    with Chaos(daemon, folder, pairs=2, seed=seed) as chaos:
        before = chaos.memory()
        chaos.rage(RAGE_S, EVERY_S)
        print(dict(chaos.done))
        assert chaos.ends_well(before) == []
        # What is looked for would be seen: now there were sets, and a room whose hands change places.
        assert len({line.partition(":")[0] for line in chaos.moved()}) == len(chaos.members)
        daemon.done("swap", chaos.members[0].room)
        assert len(chaos.confusions()) >= 2
        # (As many as a machine has turns for: a board that is being switched on again is let come up.)
        assert chaos.done.total() > RAGE_S / EVERY_S / 3
