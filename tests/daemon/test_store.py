"""The data folder: what it keeps, who may read it, what a damaged one says."""

import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from twintap.errors import Refused, StoreError
from twintap.store import Pairing, Store, read_admin_token
from twintap.tokens import digest_of, make_token

KEY = bytes(range(16))
LEFT = Pairing(b"\x02\x01\x02\x03\x04\x05\x06\x07", KEY, "room-1", "left", "one", 60.0, "127.0.0.1", 4000)
posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def reopened(store: Store) -> Store:
    store.close()
    return Store.open(store.path)


def test_what_is_kept_is_there_after_a_restart(folder: Path) -> None:
    store = Store.open(folder)
    store.put_pairing(LEFT)
    colour = store.room_colour("room-1")
    text, token = make_token("tablet", "therapist", ("room-1",), timedelta(hours=1))
    store.put_token(token)
    daemon_id = store.daemon_id

    store = reopened(store)

    assert store.pairings() == [LEFT]
    assert store.daemon_id == daemon_id
    assert len(daemon_id) == 8
    assert store.room_colour("room-1") == colour
    assert store.find_token(digest_of(text)) == token
    store.remove_pairing(LEFT.pulser_id)
    store = reopened(store)
    assert store.pairings() == []
    store.close()


def test_a_pulser_has_one_pairing(folder: Path) -> None:
    store = Store.open(folder)
    store.put_pairing(LEFT)
    store.put_pairing(replace(LEFT, side="right", key=bytes(16)))
    assert [pairing.side for pairing in store.pairings()] == ["right"]
    store.close()


def test_two_pairings_are_kept_in_one_write_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(folder)
    right = replace(LEFT, pulser_id=bytes(8), side="right")
    store.put_pairings([LEFT, right])
    before = store.pairings()
    file = folder / "pairings.json"
    swapped = [replace(LEFT, side="right"), replace(right, side="left")]
    put_in_place = Path.replace
    seen: list[list[str]] = []

    def die_at_the_second(self: Path, target: Path) -> Path:
        """A power cut: the first write of the two that could be here is done, the next never."""
        if seen:
            raise OSError(5, "the power is gone")
        done = put_in_place(self, target)
        seen.append([record["side"] for record in json.loads(file.read_text())["pairings"]])
        return done

    monkeypatch.setattr(Path, "replace", die_at_the_second)
    store.put_pairings(swapped)
    assert seen == [["right", "left"]]
    with pytest.raises(StoreError):
        store.put_pairings(before)
    assert store.pairings() == swapped
    monkeypatch.undo()
    store = reopened(store)
    assert store.pairings() == swapped
    store.close()


def test_an_address_is_kept_and_nothing_else_of_the_pairing_is_touched(folder: Path) -> None:
    store = Store.open(folder)
    store.put_pairing(LEFT)
    store.put_pairing(replace(LEFT, side="right"))
    store.put_address(LEFT.pulser_id, "192.0.2.9", 5_000)
    store.put_address(bytes(8), "192.0.2.9", 5_000)
    assert store.pairings() == [replace(LEFT, side="right", last_host="192.0.2.9", last_port=5_000)]
    store.close()


@posix
def test_nothing_in_the_folder_is_readable_by_others(folder: Path) -> None:
    mask = os.umask(0)
    try:
        store = Store.open(folder)
        store.put_pairing(LEFT)
        store.room_colour("room-1")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = list(folder.iterdir())
    assert len(files) >= 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    store.close()


@posix
def test_a_folder_that_others_can_read_is_refused_with_the_command_that_mends_it(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(StoreError, match=f"chmod 700 '{folder}'"):
        Store.open(folder)
    folder.chmod(0o700)
    Store.open(folder).close()


@posix
def test_a_file_with_keys_that_others_can_read_is_refused(folder: Path) -> None:
    store = Store.open(folder)
    store.put_pairing(LEFT)
    store.close()
    (folder / "pairings.json").chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        Store.open(folder)
    # The refusal has let go of the lock.
    (folder / "pairings.json").chmod(0o600)
    Store.open(folder).close()


def test_two_daemons_never_share_a_folder(folder: Path) -> None:
    first = Store.open(folder)
    with pytest.raises(StoreError, match="another twintap daemon uses"):
        Store.open(folder)
    first.close()
    Store.open(folder).close()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"schema_version": 2, "pairings": []}',
        b'{"schema_version": 1, "pairings": [{}]}',
    ],
)
def test_a_damaged_file_is_named_and_no_key_is_told(folder: Path, damage: bytes) -> None:
    store = Store.open(folder)
    store.put_pairing(LEFT)
    store.close()
    (folder / "pairings.json").write_bytes(damage)
    with pytest.raises(StoreError, match=r"pairings\.json") as caught:
        Store.open(folder)
    assert KEY.hex() not in str(caught.value)
    assert "move it away" in str(caught.value)


def test_a_write_that_fails_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(folder)
    store.put_pairing(LEFT)

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        store.put_pairing(replace(LEFT, pulser_id=bytes(8)))
    monkeypatch.undo()
    assert store.pairings() == [LEFT]
    store = reopened(store)
    assert store.pairings() == [LEFT]
    store.close()


def test_a_key_shows_in_no_text_of_a_pairing() -> None:
    assert KEY.hex() not in repr(LEFT)
    assert repr(KEY) not in repr(LEFT)


def test_the_command_line_s_token_survives_and_is_made_anew_when_lost(folder: Path) -> None:
    store = Store.open(folder)
    first = read_admin_token(folder)
    store = reopened(store)
    assert first is not None
    assert read_admin_token(folder) == first
    store.close()
    (folder / "token").unlink()
    store = Store.open(folder)
    second = read_admin_token(folder)
    assert second is not None
    assert second != first
    # The lost one opens nothing any more.
    assert store.find_token(digest_of(first)) is None
    token = store.find_token(digest_of(second))
    assert token is not None
    assert token.role == "admin"
    store.close()


def test_no_token_is_stored_as_text(folder: Path) -> None:
    store = Store.open(folder)
    text, token = make_token("tablet", "observer")
    store.put_token(token)
    assert text not in (folder / "tokens.json").read_text()
    store.close()


def test_a_revoked_token_is_kept_for_its_grace_and_forgotten_in_the_end(folder: Path) -> None:
    store = Store.open(folder)
    _, token = make_token("tablet", "therapist")
    store.put_token(token)
    ended = store.revoke_token(token.id)
    assert not ended.valid_at(datetime.now(UTC))
    assert ended.may_stop_at(datetime.now(UTC))
    long_ago = replace(ended, digest="0" * 64, revoked_at=datetime.now(UTC) - timedelta(days=31))
    store.put_token(long_ago)
    store.put_token(make_token("another", "observer")[1])
    assert store.find_token(token.digest) is not None
    assert store.find_token(long_ago.digest) is None
    with pytest.raises(Refused):
        store.revoke_token("0" * 12)
    store.close()


def test_the_admin_s_token_cannot_be_revoked(folder: Path) -> None:
    store = Store.open(folder)
    (token,) = store.tokens()
    with pytest.raises(Refused):
        store.revoke_token(token.id)
    store.close()


def test_rooms_have_different_colours_as_long_as_there_are_any(folder: Path) -> None:
    store = Store.open(folder)
    colours = [store.room_colour(f"room-{number}") for number in range(8)]
    assert len(set(colours)) == 8
    assert store.room_colour("room-8") in colours
    store.close()
