"""Installed for real into a home of its own: what is written, started, opened, and taken away again.

`systemctl` is a stand-in that runs what the unit says; macOS and Windows are carried out without being asked.
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.daemon.test_service_plans import EACH, POSIX, read_systemd, value
from twintap.cli import service as command
from twintap.cli.arguments import parse
from twintap.errors import StartupError, StoreError
from twintap.service import carry, here, icon, record
from twintap.service.plan import Plan, Step, Wanted

posix = pytest.mark.skipif(os.name != "posix", reason="homes are laid out as on POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="services are systemd's on Linux alone")


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


# -- the carrying out, with a system that does as it is told -------------------------------------------------


@dataclass
class Machine:
    """Runs no step, and remembers them; `fails`: the first words of those that go wrong."""

    fails: tuple[str, ...] = ()
    ran: list[str] = field(default_factory=list[str])

    def __call__(self, step: Step) -> tuple[int, str]:
        line = " ".join(step.command)
        self.ran.append(line)
        return (1, "Access is\ndenied.") if any(part in line for part in self.fails) else (0, "")


def at_home(home: Path, wanted: Wanted) -> tuple[Wanted, Plan]:
    """The same service, of a Python that is there, with all that is written under `home`."""
    kept = replace(
        wanted,
        python=sys.executable,
        home=str(home),
        config_home=str(home / ".config"),
        data_home=str(home / ".local/share"),
    )
    return kept, here.plan_for(kept)


@posix
@pytest.mark.parametrize("wanted", EACH[:2], ids=["linux", "macos"])
def test_what_is_removed_is_exactly_what_was_installed(wanted: Wanted, tmp_path: Path) -> None:
    home = tmp_path / "a home"
    (home / ".config" / "systemd").mkdir(parents=True)
    (home / ".config" / "other").write_text("mine")
    before = tree(home)
    kept, plan = at_home(home, wanted)
    noted = home / ".config" / "twintap" / "service.json"
    machine = Machine()
    assert carry.install(plan, kept, noted, machine)
    for file in plan.files:
        assert Path(file.path).read_bytes() == file.content
        assert Path(file.path).stat().st_mode & 0o777 == file.mode
    assert noted.stat().st_mode & 0o777 == 0o600
    assert not [name for name in tree(home) if name.endswith(".new")]
    # What the system or the service makes goes with it.
    for made in plan.made:
        Path(made).parent.mkdir(parents=True, exist_ok=True)
        Path(made).write_text("x")
    removed = carry.remove(plan, noted, machine)
    assert set(removed.gone) == {file.path for file in plan.files} | {*plan.made}
    assert removed.left == ()
    assert tree(home) == before
    # Once more: nothing is there, and nobody is asked.
    asked = len(machine.ran)
    assert carry.remove(plan, noted, machine).gone == ()
    assert len(machine.ran) == asked


@posix
def test_installed_twice_it_is_there_once_and_the_daemon_runs_on(tmp_path: Path) -> None:
    kept, plan = at_home(tmp_path, POSIX)
    noted = tmp_path / "r" / "service.json"
    assert carry.install(plan, kept, noted, Machine())
    before, machine = tree(tmp_path), Machine()
    assert not carry.install(plan, kept, noted, machine)
    assert tree(tmp_path) == before
    assert not [line for line in machine.ran if "restart" in line]
    # With another port the unit is another one, and the daemon is started anew.
    changed = replace(kept, port=8702)
    assert carry.install(here.plan_for(changed), changed, noted, machine)
    assert [line for line in machine.ran if "restart" in line]
    carry.remove(plan, noted, Machine())
    assert tree(tmp_path) == {}


@posix
def test_with_its_settings_elsewhere_the_old_files_go(tmp_path: Path) -> None:
    kept, plan = at_home(tmp_path, POSIX)
    noted = tmp_path / "r" / "service.json"
    carry.install(plan, kept, noted, Machine())
    moved = replace(kept, config_home=str(tmp_path / "elsewhere"))
    carry.install(here.plan_for(moved), moved, noted, Machine())
    assert [name for name in tree(tmp_path) if name.endswith(".service")] == [
        "elsewhere/systemd/user/twintap.service"
    ]
    carry.remove(here.plan_for(moved), noted, Machine())
    assert tree(tmp_path) == {}


@posix
def test_what_is_somebody_else_s_is_neither_written_over_nor_taken_away(tmp_path: Path) -> None:
    kept, plan = at_home(tmp_path, POSIX)
    noted = tmp_path / "r" / "service.json"
    unit = Path(plan.files[0].path)
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/mine\n")
    with pytest.raises(StoreError, match="not of this program"):
        carry.install(plan, kept, noted, Machine())
    assert unit.read_text() == "[Service]\nExecStart=/bin/mine\n"
    assert not noted.exists()
    unit.unlink()
    carry.install(plan, kept, noted, Machine())
    unit.write_text(unit.read_text() + "Nice=5\n")
    drop_in = unit.parent / "twintap.service.d" / "own.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("")
    removed = carry.remove(plan, noted, Machine())
    assert removed.left == (str(unit),)
    assert unit.read_text().endswith("Nice=5\n")
    assert drop_in.exists()


@posix
def test_a_system_that_refuses_leaves_what_the_next_run_mends_or_takes_away(tmp_path: Path) -> None:
    kept, plan = at_home(tmp_path, POSIX)
    noted = tmp_path / "r" / "service.json"
    with pytest.raises(StartupError, match="runs no services of users"):
        carry.install(plan, kept, noted, Machine(fails=("show-environment",)))
    assert tree(tmp_path) == {}
    with pytest.raises(StartupError, match=r"`systemctl --user enable .*Access is denied\."):
        carry.install(plan, kept, noted, Machine(fails=("enable",)))
    assert carry.install(plan, kept, noted, Machine()) is False
    assert carry.remove(plan, noted, Machine(fails=("disable", "reload"))).left == ()
    assert tree(tmp_path) == {}


@posix
def test_a_disk_that_fills_while_it_is_written_leaves_what_remove_takes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, plan = at_home(tmp_path, POSIX)
    noted = tmp_path / "r" / "service.json"
    synced = os.fsync
    for broken in range(1, len(plan.files) + 3):
        calls = 0

        def full(fd: int, broken: int = broken) -> None:
            nonlocal calls
            calls += 1
            if calls == broken:
                raise OSError(28, "No space left on device")
            synced(fd)

        monkeypatch.setattr(carry.os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            carry.install(plan, kept, noted, Machine())
        monkeypatch.setattr(carry.os, "fsync", synced)
        carry.remove(plan, noted, Machine())
        assert not [name for name, found in tree(tmp_path).items() if found is not None], broken


@posix
@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema_version": 2}', b"\xff\xfe", b'["/etc/passwd"]'])
def test_a_damaged_record_takes_nothing_of_others_away(damage: bytes, tmp_path: Path) -> None:
    kept, plan = at_home(tmp_path, POSIX)
    noted = tmp_path / "r" / "service.json"
    carry.install(plan, kept, noted, Machine())
    noted.write_bytes(damage)
    assert record.read_record(noted) is None
    removed = carry.remove(plan, noted, Machine())
    assert set(removed.gone) == {file.path for file in plan.files}
    assert not [name for name, found in tree(tmp_path).items() if found is not None]


def test_what_the_service_needs_and_has_gone_is_known(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("")
    noted = record.Record(
        system="linux",
        program=str(tmp_path / "python"),
        data="/d",
        url="http://127.0.0.1:8700",
        files={str(there): "00", str(tmp_path / "log"): "", str(tmp_path / "unit"): "00"},
        folders=[],
    )
    assert record.lost(noted) == (str(tmp_path / "python"), str(tmp_path / "unit"))


def test_a_program_that_is_not_there_is_said_so() -> None:
    code, words = carry.run_step(Step(("there-is-no-such-program",)))
    assert (code, "there-is-no-such-program" in words) == (127, True)


# -- the icon ------------------------------------------------------------------------------------------------


@posix
def test_the_link_lies_where_this_user_alone_can_read_it(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("keep")
    (tmp_path / "d").mkdir()
    # A link that somebody has put there is not followed.
    (tmp_path / "d" / "open.html").symlink_to(elsewhere)
    path = icon.put_page(tmp_path / "d", icon.page_to('http://127.0.0.1:8700/#join="><script>'))
    assert path.stat().st_mode & 0o777 == 0o600
    assert elsewhere.read_text() == "keep"
    assert "<script>" not in path.read_text()
    assert "&quot;&gt;&lt;script&gt;" in path.read_text()
    assert "<b>" not in icon.page_about("<b>")


@pytest.mark.parametrize(
    ("browser", "expected"),
    [
        ("firefox_firefox.desktop\n", "snap/firefox/common/twintap"),
        ("firefox.desktop\n", None),
        ("../.._x.desktop", None),
        ("chromium_chromium.desktop", None),
        ("", None),
        (None, None),
    ],
)
def test_a_browser_in_a_snap_reads_its_own_folder_alone(
    browser: str | None, expected: str | None, tmp_path: Path
) -> None:
    (tmp_path / "snap" / "firefox" / "common").mkdir(parents=True)
    found = icon.folder_of_snap(browser, tmp_path)
    assert found == (None if expected is None else tmp_path / expected)


# -- the commands --------------------------------------------------------------------------------------------


_SYSTEMCTL = """\
#!{python}
import os, pathlib, signal, subprocess, sys, time
home, words = pathlib.Path(os.environ["HOME"]), sys.argv[1:]
with open(home / "asked", "a") as asked:
    print(*words, file=asked)
pid, unit = home / "pid", home / ".config/systemd/user/twintap.service"
def end():
    if pid.exists():
        os.kill(int(pid.read_text()), signal.SIGTERM)
        pid.unlink()
if words[1] in ("start", "restart"):
    if words[1] == "restart":
        end()
    if not pid.exists():
        with open(home / "errors", "w") as errors:
            started = subprocess.Popen(
                eval(os.environ["TEST_COMMAND"]), stdout=subprocess.DEVNULL, stderr=errors,
                start_new_session=True)
        pid.write_text(str(started.pid))
elif words[1] == "disable":
    end()
"""


@dataclass
class Home:
    path: Path
    data: Path
    port: int
    environment: dict[str, str]

    @property
    def unit(self) -> str:
        return (self.path / ".config/systemd/user/twintap.service").read_text()

    @property
    def asked(self) -> list[str]:
        return (self.path / "asked").read_text().splitlines()

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "twintap", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def install(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        told = ("--data", str(self.data), "--host", "127.0.0.1", "--port", str(self.port))
        return self.run("install-service", *told, *arguments)


@pytest.fixture
def home(tmp_path: Path) -> Generator[Home]:
    path = tmp_path / "a 'home' $X"
    (path / "bin").mkdir(parents=True)
    systemctl = path / "bin" / "systemctl"
    systemctl.write_text(_SYSTEMCTL.format(python=sys.executable))
    systemctl.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = path / "my data"
    command = [sys.executable, "-P", "-m", "twintap", "serve", "--data", str(data), "--host", "127.0.0.1"]
    environment = {
        name: text for name, text in os.environ.items() if not name.startswith(("XDG_", "TWINTAP_", "SUDO_"))
    }
    environment |= {
        "HOME": str(path),
        "PATH": f"{path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TEST_COMMAND": repr([*command, "--port", str(port)]),
    }
    yield Home(path, data, port, environment)
    pid = path / "pid"
    if pid.exists():
        os.kill(int(pid.read_text()), signal.SIGKILL)


@linux
async def test_installed_it_runs_the_icon_opens_it_and_removed_all_is_as_before(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await asyncio.to_thread(tree, home.path)
    done = await asyncio.to_thread(home.install)
    assert done.returncode == 0, done.stderr
    assert "loginctl enable-linger" in done.stdout
    url = f"http://127.0.0.1:{home.port}"
    assert url in done.stdout
    # The stand-in has run what the unit says.
    expected = [sys.executable, "-P", "-m", "twintap", "serve", "--data", str(home.data)]
    expected += ["--host", "127.0.0.1", "--port", str(home.port)]
    assert read_systemd(value(home.unit, "ExecStart")) == expected

    # The icon: the browser gets a page in a file, and with it this computer's own rights.
    entry = (home.path / ".local/share/applications/twintap.desktop").read_text()
    assert f'"{home.data}"'.replace("$", "\\\\$") in value(entry, "Exec")
    seen: list[str] = []
    for name, text in home.environment.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(command, "_PAGE_STAYS_S", 0.0)
    monkeypatch.setattr(icon, "page_folder", lambda data: data)
    monkeypatch.setattr(icon, "show", lambda path: seen.append(path.read_text()))
    options = parse(["open", "--icon", "--data", str(home.data), "--url", url])
    assert await options.run(options) == 0
    (link,) = set(re.findall(r'(http://[^"]*#join=[^"]*?)"', seen[0]))
    async with httpx.AsyncClient(trust_env=False) as client:
        joined = await client.post(
            f"{url}/api/v1/join", json={"token": link.partition("#join=")[2]}, headers={"Origin": url}
        )
    assert joined.json()["role"] == "admin"
    assert not (home.data / "open.html").exists()

    # Once more: nothing changes, and the daemon runs on.
    pid = (home.path / "pid").read_text()
    done = await asyncio.to_thread(home.install, "--json")
    assert json.loads(done.stdout)["changed"] is False
    assert (home.path / "pid").read_text() == pid

    done = await asyncio.to_thread(home.run, "remove-service")
    assert done.returncode == 0, done.stderr
    assert "The data stay" in done.stdout
    assert home.asked[-3:] == [
        "--user disable --now twintap.service",
        "--user daemon-reload",
        "--user reset-failed twintap.service",
    ]
    after = await asyncio.to_thread(tree, home.path)
    kept = {name for name in after if not name.startswith("my data")}
    assert kept - {"asked", "errors"} == set(before)
    assert (home.data / "token").exists()
    # What it wrote of its troubles has no link in it.
    assert "join=" not in (home.path / "errors").read_text()


@linux
async def test_with_no_daemon_the_icon_has_the_service_started_and_else_says_so_in_the_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    started: list[tuple[str, ...]] = []
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(command, "_PAGE_STAYS_S", 0.0)
    monkeypatch.setattr(command, "_ICON_WAITS_S", 0.0)
    monkeypatch.setattr(icon, "page_folder", lambda data: data)
    monkeypatch.setattr(icon, "show", lambda path: seen.append(path.read_text()))
    options = parse(["open", "--icon", "--data", str(tmp_path / "d"), "--url", "http://127.0.0.1:9"])
    assert await options.run(options) == 1
    assert "twintap doctor" in seen[0]
    assert started == []

    def run(step: Step) -> tuple[int, str]:
        started.append(step.command)
        return 0, ""

    monkeypatch.setattr(carry, "run_step", run)
    kept, plan = at_home(tmp_path, POSIX)
    carry.install(plan, kept, tmp_path / ".config" / "twintap" / "service.json", Machine())
    assert await options.run(options) == 1
    assert started == [("systemctl", "--user", "start", "twintap.service")]


@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_a_dry_run_prints_all_for_any_platform_and_writes_nothing(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    told = ["install-service", "--dry-run", "--platform", system, "--data", str(tmp_path / "my data")]
    for more in ([], ["--json"]):
        options = parse([*told, *more])
        assert asyncio.run(options.run(options)) == 0
    words, _, line = capsys.readouterr().out.rstrip("\n").rpartition("\n")
    found: dict[str, Any] = json.loads(line)
    for file in found["files"]:
        assert file["path"] in words
    assert "my data" in words
    wanted = {
        "linux": "systemctl --user enable",
        "macos": "launchctl bootstrap",
        "windows": "schtasks /create",
    }
    assert any(wanted[system] in step for step in found["steps"])
    assert os.listdir(tmp_path) == []


async def test_what_makes_no_sense_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    options = parse(["install-service", "--platform", "windows"])
    with pytest.raises(StartupError, match="--dry-run"):
        await options.run(options)
    if os.name == "posix":
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setenv("SUDO_USER", "ann")
        for name in ("install-service", "remove-service"):
            options = parse([name])
            with pytest.raises(StartupError, match="without sudo"):
                await options.run(options)
