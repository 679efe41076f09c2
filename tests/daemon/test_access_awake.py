"""Keeping the computer awake: nobody waits for it, and what fails is said."""

import asyncio
import subprocess
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from twintap import awake as module
from twintap.awake import Awake, Unable


class Desktop:
    """What keeps a computer awake: it may be slow, or unable; it says who came."""

    def __init__(self) -> None:
        self.is_able = True
        self.answers = threading.Event()
        self.answers.set()
        self.entered: list[str] = []
        self.held = 0
        self.changes = 0

    @contextmanager
    def __call__(self) -> Generator[None]:
        self.answers.wait(60)
        self.entered.append(threading.current_thread().name)
        self.changes += 1
        if not self.is_able:
            raise Unable
        self.held += 1
        try:
            yield
        finally:
            assert threading.current_thread().name == self.entered[-1]
            self.held -= 1
            self.changes += 1

    async def until(self, **wanted: int) -> None:
        async with asyncio.timeout(30):
            while any(getattr(self, name) != value for name, value in wanted.items()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@pytest.fixture
def desktop() -> Desktop:
    return Desktop()


@pytest.fixture
async def awake(desktop: Desktop) -> AsyncGenerator[Awake]:
    made = Awake(desktop)
    yield made
    desktop.answers.set()
    await made.close()
    await desktop.until(held=0)


async def test_it_is_held_from_hold_to_release_in_one_thread_of_its_own(
    awake: Awake, desktop: Desktop
) -> None:
    await desktop.until(held=0)
    for _ in range(3):
        await awake.hold()
        await awake.hold()
        await desktop.until(held=1)
        await awake.release()
        await desktop.until(held=0)
    assert desktop.entered == ["awake"] * 3
    assert awake.trouble is None


async def test_a_desktop_that_does_not_answer_keeps_nobody_waiting(awake: Awake, desktop: Desktop) -> None:
    desktop.answers.clear()
    async with asyncio.timeout(20):
        await awake.hold()
        await awake.release()
        await awake.hold()
    assert (desktop.held, awake.trouble) == (0, None)
    desktop.answers.set()
    await desktop.until(held=1)


async def test_a_desktop_that_never_answers_does_not_keep_the_daemon_from_ending(
    awake: Awake, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CLOSED_WITHIN_S", 0.05)
    desktop.answers.clear()
    await awake.hold()
    async with asyncio.timeout(20):
        await awake.close()


async def test_what_fails_is_said_while_it_matters_and_once_in_the_log(
    awake: Awake, desktop: Desktop, caplog: pytest.LogCaptureFixture
) -> None:
    desktop.is_able = False
    for round_ in range(2):
        await awake.hold()
        await desktop.until(changes=round_ + 1)
        async with asyncio.timeout(30):
            while awake.trouble is None:  # noqa: ASYNC110 - set from a thread
                await asyncio.sleep(0.005)
        assert "asleep" in awake.trouble
        await awake.release()
        assert awake.trouble is None
    desktop.is_able = True
    await awake.hold()
    await desktop.until(held=1)
    assert awake.trouble is None
    assert len(caplog.records) == 1


# -- what is asked on this computer ------------------------------------------------------------------------


class NoDesktop:
    """A desktop that keeps nothing awake."""

    active = False

    def __enter__(self) -> "NoDesktop":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    def running(*, on_fail: str) -> NoDesktop:
        assert on_fail == "pass"
        return NoDesktop()

    monkeypatch.setattr(module.wakepy.keep, "running", running)
    monkeypatch.setattr(module.sys, "platform", "linux")


@pytest.mark.usefixtures("no_desktop")
def test_where_nothing_puts_a_machine_to_sleep_nothing_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SYSTEMD", tmp_path / "none")
    with module.keeping_awake():
        pass


@pytest.mark.usefixtures("no_desktop")
@pytest.mark.parametrize("able", [True, False])
def test_without_a_desktop_systemd_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    monkeypatch.setattr(module, "_SYSTEMD", tmp_path)
    monkeypatch.setattr(module, "_REFUSED_WITHIN_S", 0.5 if able else 30)
    program = tmp_path / "inhibit"
    # As the real one: runs what it is given if it may, else ends at once.
    program.write_text('#!/bin/sh\nshift 4\nexec "$@"\n' if able else "#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(module.shutil, "which", lambda _name: str(program))
    started: list[Any] = []

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            started.append(self)

    monkeypatch.setattr(module.subprocess, "Popen", Popen)
    if able:
        with module.keeping_awake():
            assert started[0].poll() is None
    else:
        with pytest.raises(Unable), module.keeping_awake():
            pytest.fail("nothing keeps it awake")
    # It ends with the pipe, and so with this daemon however that ends.
    assert started[0].wait(30) == (0 if able else 1)


@pytest.mark.usefixtures("no_desktop")
def test_without_anything_to_ask_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SYSTEMD", tmp_path)
    monkeypatch.setattr(module.shutil, "which", lambda _name: None)
    with pytest.raises(Unable), module.keeping_awake():
        pytest.fail("nothing keeps it awake")
