"""The whole examination, with a daemon and without one: by the command line, and from inside by HTTP."""

import asyncio
import contextlib
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.daemon.api_rig import api
from tests.daemon.test_cli import Daemon, begin, end
from twintap import __version__
from twintap.api import doctor as route
from twintap.cli.arguments import parse
from twintap.doctor import look_network
from twintap.doctor.lines import Line, bad, fine

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")

LOOPBACK = ("lo", "127.0.0.1")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Generator[Daemon]:
    running = begin(tmp_path_factory.mktemp("doctor"))
    yield running
    assert end(running)[0] == 0


def by_code(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {line["code"]: line for line in lines}


def test_with_a_daemon_every_part_is_looked_at(daemon: Daemon) -> None:
    done = daemon.run("doctor", "--json")
    told = json.loads(done.stdout)
    lines = by_code(told["lines"])
    assert lines.keys() >= {
        "daemon", "service", "pulser", "port", "multicast", "firewall", "udp", "browser", "clock", "disk",
        "disk_private", "python",
    }  # fmt: skip
    states = {code: line["state"] for code, line in lines.items()}
    for code in ("daemon", "udp", "browser", "disk_private", "multicast", "python"):
        assert states[code] == "fine", lines[code]
    # It serves this computer alone, and no pulser is paired.
    assert (states["daemon_host"], states["pulser"]) == ("hint", "hint")
    assert __version__ in lines["daemon"]["words"]
    assert daemon.url in lines["browser"]["words"]
    for line in told["lines"]:
        assert line.keys() == {"code", "state", "words", "todo"}
        assert (line["todo"] is None) == (line["state"] == "fine")
    assert done.returncode == (1 if told["state"] == "bad" else 0)


def test_what_it_says_holds_no_secret(daemon: Daemon) -> None:
    token = (daemon.data / "token").read_text().strip()
    done = daemon.run("doctor", "/dev/there-is-none")
    assert token not in done.stdout + done.stderr
    # A port at which nothing answers is bad, and so is the whole.
    assert done.returncode == 1
    assert "bad   the port /dev/there-is-none" in done.stdout
    assert "      → " in done.stdout


def test_the_daemon_gives_the_same_lines_from_inside(daemon: Daemon) -> None:
    token = (daemon.data / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{daemon.url}/api/v1/doctor", headers=headers, trust_env=False, timeout=20)
    assert answer.status_code == 200
    inside = answer.json()["lines"]
    outside = json.loads(daemon.run("doctor", "--json").stdout)["lines"]
    assert [line["code"] for line in inside] == [line["code"] for line in outside]
    assert by_code(inside)["browser"]["words"] == by_code(outside)["browser"]["words"]


async def test_a_daemon_elsewhere_than_it_is_looked_for_is_bad(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(look_network, "interfaces", lambda: [LOOPBACK])
    monkeypatch.setenv("TWINTAP_DATA", str(daemon.data))
    # The folder says that one runs; nobody answers here.
    monkeypatch.setenv("TWINTAP_URL", "http://127.0.0.1:9")
    options = parse(["doctor", "--json"])
    assert await options.run(options) == 1
    found = by_code(json.loads(capsys.readouterr().out)["lines"])["daemon"]
    assert (found["state"], "TWINTAP_URL" in found["todo"]) == ("bad", True)


async def test_without_a_daemon_it_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(look_network, "interfaces", lambda: [LOOPBACK])
    monkeypatch.setenv("TWINTAP_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("TWINTAP_URL", "http://127.0.0.1:9")
    options = parse(["doctor", "--json"])
    assert await options.run(options) in (0, 1)
    lines = by_code(json.loads(capsys.readouterr().out)["lines"])
    assert "twintap serve" in lines["daemon"]["todo"]
    assert lines["udp"]["words"] == "UDP port 9 is free for the daemon"
    assert (lines["disk"]["state"], lines.keys() & {"pulser", "browser"}) == ("hint", set())
    # It has looked, and made nothing.
    assert os.listdir(tmp_path) == []


async def test_what_is_bad_is_said_last_where_the_eye_ends() -> None:
    from twintap.cli.doctor import shown

    lines = [bad("a", "broken", "mend it"), fine("b", "well"), Line("c", "hint", "so so", "look")]
    assert shown(lines).splitlines() == [
        "fine  well",
        "hint  so so",
        "      → look",
        "bad   broken",
        "      → mend it",
        "1 bad, 1 to look at; the rest is fine.",
    ]
    assert shown([fine("b", "well")]).splitlines()[-1] == "All is fine."


async def test_those_who_ask_at_once_share_one_examination_and_a_set_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = 0
    begun, go = asyncio.Event(), asyncio.Event()

    async def examine(*_: Any, **__: Any) -> list[Line]:
        nonlocal began
        began += 1
        begun.set()
        await go.wait()
        return [bad("a", "broken", "mend it")]

    monkeypatch.setattr(route, "examine", examine)
    async with api(tmp_path, "room-1") as served:
        asking = [asyncio.create_task(served.http.get("/doctor")) for _ in range(3)]
        await begun.wait()
        # One who goes away ends it for nobody else.
        asking[0].cancel()
        await asyncio.sleep(0)
        go.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asking[0]
        for answer in await asyncio.gather(*asking[1:]):
            assert answer.json() == {
                "state": "bad",
                "lines": [{"code": "a", "state": "bad", "words": "broken", "todo": "mend it"}],
            }
        assert began == 1
        served.hub.running.add("room-1")
        refused = await served.http.get("/doctor")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "running")
        served.hub.running.clear()
        assert (await served.http.get("/doctor")).status_code == 200
        assert began == 2
