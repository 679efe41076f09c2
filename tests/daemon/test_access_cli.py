"""The links as they are printed and typed: serve, open, invite."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.daemon.test_cli import Daemon, begin, end, failed
from twintap.cli import commands

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Generator[Daemon]:
    running = begin(tmp_path_factory.mktemp("access"))
    yield running
    code, errors = end(running)
    assert code == 0
    # What is secret stands on stdout, for whoever started it, and nowhere else.
    assert "join=" not in errors


def join(daemon: Daemon, link: str, **more: Any) -> httpx.Response:
    page, _, fragment = link.partition("#join=")
    assert page == daemon.url + "/"
    return httpx.post(
        f"{daemon.url}/api/v1/join",
        json={"token": fragment} | more,
        headers={"Origin": daemon.url},
        trust_env=False,
    )


def test_the_link_that_serve_prints_opens_the_screen_once(daemon: Daemon) -> None:
    joined = join(daemon, daemon.told["open"])
    assert (joined.json()["role"], joined.json()["rooms"]) == ("admin", None)
    assert join(daemon, daemon.told["open"]).status_code == 403


def test_open_gives_another_link_and_digits_for_this_computer(daemon: Daemon) -> None:
    offer = daemon.json("open")
    assert join(daemon, offer["url"]).json()["role"] == "admin"
    offer = daemon.json("open")
    answer = httpx.post(f"{daemon.url}/api/v1/join", json={"digits": offer["digits"]}, trust_env=False)
    assert answer.json()["role"] == "admin"
    words = daemon.run("open").stdout.splitlines()
    assert words[0].startswith(daemon.url + "/#join=")
    assert "minutes" in words[1]


def test_open_starts_a_browser_with_nothing_secret_in_its_arguments(
    monkeypatch: pytest.MonkeyPatch, daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    from twintap.cli.arguments import parse

    opened: list[str] = []
    monkeypatch.setenv("TWINTAP_DATA", str(daemon.data))
    monkeypatch.setenv("TWINTAP_URL", daemon.url)
    monkeypatch.setattr(commands.webbrowser, "open", opened.append)
    monkeypatch.setattr(commands, "_has_desktop", lambda: True)
    for arguments in (["open"], ["open", "--no-browser"], ["open", "--json"]):
        options = parse(arguments)
        assert asyncio.run(options.run(options)) == 0
    assert opened == [daemon.url]
    assert "#join=" in capsys.readouterr().out


def test_invite_gives_a_room_to_another_device(daemon: Daemon) -> None:
    with contextlib.closing(httpx.Client(base_url=f"{daemon.url}/api/v1", trust_env=False)) as client:
        token = (daemon.data / "token").read_text().strip()
        client.post("/rooms", json={"name": "study"}, headers={"Authorization": f"Bearer {token}"})
    offer = daemon.json("invite", "study", "--role", "observer", "--label", "a colleague", "--notes")
    assert "qr_svg" not in offer
    joined = join(daemon, offer["url"]).json()
    assert joined | {"expires_at": None} == {
        "label": "a colleague",
        "role": "observer",
        "rooms": ["study"],
        "notes": True,
        "via": "cookie",
        "expires_at": None,
    }
    words = daemon.run("invite", "study").stdout
    # Served to this computer alone, it says so.
    assert "--host 0.0.0.0" in words
    failed(daemon.run("invite", "nowhere"), 1, "nowhere")
    failed(daemon.run("invite", "study", "--role", "admin"), 2, "--help")
    listed = daemon.run("token", "list").stdout
    assert "a colleague" in listed
    assert "observer with notes" in listed


def test_a_token_for_a_program_may_be_given_with_notes(daemon: Daemon) -> None:
    token = daemon.run("token", "give", "scribe", "--role", "observer", "--notes").stdout.strip()
    answer = httpx.get(
        f"{daemon.url}/api/v1/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )
    assert (answer.json()["notes"], answer.json()["via"]) == (True, "bearer")


def test_what_serve_prints_for_people_has_the_link_on_a_line_of_its_own(tmp_path: Path) -> None:
    import signal
    import subprocess
    import sys

    with subprocess.Popen(
        [sys.executable, "-m", "twintap", "serve", "--data", str(tmp_path / "d"), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    assert lines[2].startswith("open it: http://127.0.0.1:")
    assert "/#join=" in lines[2]
    assert lines[2].rstrip().count(" ") == 2
    assert f"TWINTAP_DATA={tmp_path / 'd'}" in lines[3]
    assert lines[3].rstrip().endswith("open)")
