"""A pulser's clock outlives its link, and not its boot."""

import secrets
from pathlib import Path

from tests.support.hub_house import House, house, until
from twintap_protocol.link import PulserLink


def _bursts(home: House) -> int | None:
    link = home.hub.pulser_of("blue", "left").link
    return None if link is None else link.fit.newest_daemon_us


async def _linked_anew(home: House, boot_id: bytes | None) -> int | None:
    """Makes the left pulser forget its link; gives what the new one's fit knows in its first moment."""
    await home.ready()
    before = home.hub.pulser_of("blue", "left").link
    pulser = home.left
    old = pulser._link
    old.lost()
    if boot_id is not None:
        pulser._link = PulserLink(
            pulser.pulser_id, pulser.daemon_id, pulser.key, old._make_sealer, boot_id, (0, 1, 0)
        )
    await until(
        lambda: home.hub.pulser_of("blue", "left").link not in (None, before), "the pulser makes a new link"
    )
    return _bursts(home)


async def test_a_new_link_of_a_pulser_that_did_not_boot_keeps_its_clock(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        assert await _linked_anew(home, None) is not None


async def test_a_pulser_that_booted_has_a_new_clock(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        assert await _linked_anew(home, secrets.token_bytes(4)) is None
