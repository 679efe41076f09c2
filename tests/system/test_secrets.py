"""Keys, Wi-Fi passwords and tokens: what they pass through, and where they are never seen.

A chip is flashed, paired, given networks by its cable and over the air, and flashed again, with everything
that can go wrong on the way; all the while every process's arguments and environment and every file that
others could read are looked at. What was said, logged and left behind is looked at afterwards.
"""

import base64
import json
import os
import secrets
import stat
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from urllib.parse import quote

import httpx
import pytest

from tests.flash.kit import C3_NEW, IMAGES
from tests.support.chip_on_cable import ChipOnCable
from tests.support.rig import Daemon, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows processes under /proc")

_LOOK_EVERY_S = 0.02
_FILE_MAX = 1 << 22
# Where a secret has to be, to be known at the next start: below the data folder, and on the pulser.
_HOMES = ("data/pairings.json", "data/token", "board/flash/settings.json")
# The middle of the exchange of the key, as bytes through the cable go.
_MIDDLE_OF_A_PAIRING = 1_500


def forms(secret: str) -> set[bytes]:
    """Each way in which a secret may stand somewhere."""
    raw = secret.encode()
    found = {raw, quote(secret).encode(), json.dumps(secret)[1:-1].encode(), repr(secret)[1:-1].encode()}
    for data in (raw, _unhexed(secret)):
        if data:
            found |= {data, data.hex().encode(), data.hex().upper().encode(), repr(data)[2:-1].encode()}
            found |= {base64.b64encode(data).rstrip(b"="), base64.urlsafe_b64encode(data).rstrip(b"=")}
    return found


def _unhexed(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def seen_in(data: bytes, known: dict[str, str]) -> list[str]:
    """The names of the secrets that are in it."""
    return [name for name, secret in known.items() if any(form in data for form in forms(secret))]


def is_open(path: Path, below: Path) -> bool:
    """Whether others than the owner can read a file: its own mode, and that of each folder below `below`."""
    if not path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return False
    folders = [folder for folder in path.parents if folder.is_relative_to(below) and folder != below]
    return all(folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH) for folder in folders)


def files_below(root: Path) -> Iterator[Path]:
    """Every file; those that go away meanwhile, too."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path


class Watch:
    """Looks all the time at what everybody on the machine could see: processes, and open files below `root`.

    What it saw is kept until the secrets are known, once each.
    """

    def __init__(self, root: Path) -> None:
        self.looks = 0
        self.processes: dict[bytes, str] = {}
        self.files: dict[bytes, str] = {}
        self._root = root
        self._latest: dict[str, bytes] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_LOOK_EVERY_S):
            self._look()
            self.looks += 1

    def _look(self) -> None:
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                # Another program in its place comes with other arguments, and an environment of its own.
                arguments = Path(f"/proc/{name}/cmdline").read_bytes()
                if self._latest.get(name) != arguments:
                    environment = Path(f"/proc/{name}/environ").read_bytes()
                    self.processes.setdefault(arguments, f"cmdline of process {name}")
                    self.processes.setdefault(environment, f"environ of process {name}")
                    self._latest[name] = arguments
            except OSError:
                continue
        for path in files_below(self._root):
            try:
                if is_open(path, self._root) and path.stat().st_size < _FILE_MAX:
                    self.files.setdefault(path.read_bytes(), str(path.relative_to(self._root)))
            except OSError:
                continue

    def seen(self, known: dict[str, str]) -> list[str]:
        """Where a secret was seen."""
        found = self.processes | self.files
        return [f"{name}: {where}" for data, where in found.items() for name in seen_in(data, known)]


class World:
    """What was done, what was said of it, and what is secret."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open = (
            folder / "open"
        )  # what the commands have as their home, their place and for what is passing
        self.known: dict[str, str] = {}
        self.said: dict[str, bytes] = {}
        for made in ("home", "tmp", "images"):
            (self.open / made).mkdir(parents=True)
        self.environment = os.environ | {
            "HOME": str(self.open / "home"),
            "TMPDIR": str(self.open / "tmp"),
            "TWINTAP_DATA": str(folder / "d" / "data"),
        }

    def password(self, name: str, length: int = 20) -> str:
        """One that nobody has seen yet, with what makes quoting hard."""
        made = f"p\"'\\ é{secrets.token_urlsafe(length)}"
        self.known[name] = made
        return made

    def learn(self, daemon: Daemon) -> None:
        """Note the keys and the token that are there now."""
        self.known["token"] = (daemon.data / "token").read_text().strip()
        for one in json.loads((daemon.data / "pairings.json").read_text())["pairings"]:
            self.known[f"key {one['key'][:4]}"] = one["key"]

    def run(self, *words: str, typed: str = "", code: int = 0) -> str:
        """Run `twintap …`; keep all that it says."""
        done = subprocess.run(
            [sys.executable, "-m", "twintap", *words],
            cwd=self.open,
            env=self.environment,
            input=typed.encode(),
            capture_output=True,
            timeout=150,
            check=False,
        )
        self.said[f"{len(self.said)}: {' '.join(words[:3])}"] = done.stdout + done.stderr
        assert done.returncode == code, (words, done)
        return (done.stdout + done.stderr).decode()

    def ask(self, daemon: Daemon, what: str, path: str, body: object, **headers: str) -> int:
        """One request that is refused; keep what is said of it."""
        answer = httpx.post(
            f"{daemon.url}/api/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.known['token']}"} | headers,
            trust_env=False,
            timeout=30,
        )
        self.said[what] = answer.content + repr(answer.headers).encode()
        return answer.status_code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Watch]]:
    """Everything is done once; the tests look at what came of it."""
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    world = World(tmp_path_factory.mktemp("k"))
    (world.open / "images" / "ESP32_GENERIC_C3-20260401-v1.28.0.bin").write_bytes(C3_NEW)
    (world.folder / "c").mkdir()
    with ExitStack() as stack:
        watch = stack.enter_context(Watch(world.open))
        chip = stack.enter_context(ChipOnCable(world.folder / "c", "esp32c3", IMAGES, board_options=[]))
        world.run("flash", chip.port, "--board", "xiao-esp32c3")
        daemon = stack.enter_context(Daemon(world.folder / "d"))
        world.environment["TWINTAP_URL"] = daemon.url
        _do_all(world, chip, daemon)
        # With all that is secret on it.
        world.run("flash", chip.port)
        wait_for("linked again", lambda: daemon.pulser("blue", "left")["link"] == "linked")
        said = _faults(world, daemon)
        assert all(400 <= status < 500 for status in said), said
        assert daemon.stop() == 0
        yield world, watch


def _do_all(world: World, chip: ChipOnCable, daemon: Daemon) -> None:
    place = ("--room", "blue", "--side", "left")
    pair = ("pair", chip.port, *place, "--wifi-ssid", "one")
    world.run(*pair, typed=world.password("first") + "\n")
    world.learn(daemon)
    # The cable goes while a key goes over it; then again, and well: it is another key.
    chip.pull_after(_MIDDLE_OF_A_PAIRING, with_power=False)
    world.run(*pair, typed=world.password("second") + "\n", code=1)
    world.learn(daemon)
    chip.plug_in()
    world.run(*pair, typed=world.password("third") + "\n")
    world.learn(daemon)
    assert sum(name.startswith("key") for name in world.known) >= 2
    pulser = daemon.pulser("blue", "left")["id"]
    wait_for("linked", lambda: daemon.pulser("blue", "left")["link"] == "linked")
    world.run("wifi", chip.port, "add", "two", typed=world.password("by cable") + "\n")
    world.run("wifi", pulser, "add", "three", typed=world.password("over the air") + "\n")
    # Too long for a password, by every way.
    world.run("wifi", chip.port, "add", "four", typed=world.password("long", 80) + "\n", code=1)
    world.run("wifi", pulser, "add", "four", typed=world.password("longer", 90) + "\n", code=1)
    world.run(*pair, typed=world.password("longest", 95) + "\n", code=1)
    for words in (("pulsers", "--json"), ("room", "blue"), ("pulser", pulser, "--json"), ("sessions",)):
        world.run(*words)


def _faults(world: World, daemon: Daemon) -> list[int]:
    """Requests with something secret in the wrong place."""
    pulser = daemon.pulser("blue", "left")["id"]
    word = world.password("posted")
    wifi = {"ssid": "one", "password": word}
    wrong: list[object] = [
        {"ssid": "one", "password": [word]},
        {"ssid": "one", "password": {"of": word}},
        {"ssid": "", "password": word},
        {"ssid": "one", "password": word * 20},
        {"ssid": "one", "password": word, "extra": word},
        word,
    ]
    found = [
        world.ask(daemon, f"networks {at}", f"/pulsers/{pulser}/networks", body)
        for at, body in enumerate(wrong)
    ]
    none: list[object] = [
        {"port": "/none", "room": "blue", "side": "up", "wifi": wifi},
        {"port": 7, "room": "blue", "side": "left", "wifi": wifi},
        {"port": "/none", "room": "blue", "side": "left", "wifi": [word]},
        {"port": "/none", "room": "blue", "side": "left", "key": world.known["third"]},
    ]
    found += [world.ask(daemon, f"pairings {at}", "/pairings", body) for at, body in enumerate(none)]
    stranger = world.password("a stranger's token").encode("ascii", "ignore").decode()
    found.append(
        world.ask(daemon, "a wrong token", "/rooms/blue/set/stop", None, Authorization=f"Bearer {stranger}")
    )
    return found


def logs(world: World) -> Iterator[tuple[str, bytes]]:
    """All that was said and logged."""
    yield from world.said.items()
    for path in files_below(world.folder):
        if path.suffix in (".log", ".err", ".1") or path.name == "stderr":
            yield path.name, path.read_bytes()


def homes(paths: Iterable[Path]) -> list[str]:
    return sorted({home for path in paths for home in _HOMES if path.as_posix().endswith(home)})


@pytest.mark.timeout(400)
def test_no_argument_no_environment_and_no_passing_file_shows_a_secret(world: tuple[World, Watch]) -> None:
    done, watch = world
    assert watch.seen(done.known) == []
    # It did look while the commands ran: their arguments are there, without what was typed.
    shown = b"\n".join(watch.processes)
    for words in (b"flash\0", b"pair\0", b"wifi\0", b"serve\0", b"twintap_board"):
        assert words in shown, words


@pytest.mark.timeout(400)
def test_nothing_that_is_said_or_logged_holds_a_secret(world: tuple[World, Watch]) -> None:
    done, _ = world
    found = list(logs(done))
    assert [(where, seen_in(data, done.known)) for where, data in found if seen_in(data, done.known)] == []
    names = [name for name, _ in found]
    assert {"daemon.err", "launcher.log", "board.log"} <= set(names)
    assert len(done.said) > 20


@pytest.mark.timeout(400)
def test_secrets_stand_in_files_of_the_owner_alone_and_nowhere_else(world: tuple[World, Watch]) -> None:
    done, _ = world
    holding = [
        path
        for path in files_below(done.folder)
        if path.stat().st_size < _FILE_MAX and seen_in(path.read_bytes(), done.known)
    ]
    assert [path for path in holding if not path.as_posix().endswith(_HOMES)] == []
    assert homes(holding) == sorted(_HOMES), "they are looked for where they are"
    assert [path for path in holding if is_open(path, done.folder)] == []
    kept = (done.folder / "d" / "data").stat().st_mode
    assert stat.S_IMODE(kept) == 0o700


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    known = {"word": "p\"'\\ é" + secrets.token_urlsafe(9), "key": secrets.token_hex(16)}
    (tmp_path / "shut").mkdir(mode=0o700)
    left = {
        "plain.txt": known["word"].encode(),
        "shut/in.txt": known["word"].encode(),
        "repr.log": f"{known!r}".encode(),
        "key.bin": b"..." + bytes.fromhex(known["key"]) + b"...",
        "base.txt": base64.b64encode(bytes.fromhex(known["key"])),
        "url.txt": quote(known["word"]).encode(),
        "json.txt": json.dumps(known).encode(),
    }
    for name, data in left.items():
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o644)
    with Watch(tmp_path) as watch:
        sleeping = "import time; time.sleep(60)"
        shown = [
            subprocess.Popen([sys.executable, "-c", sleeping, known["word"]]),
            subprocess.Popen([sys.executable, "-c", sleeping], env=os.environ | {"KEY": known["key"]}),
        ]
        try:
            wait_for("both seen", lambda: len(_of_processes(watch, known)) >= 2)
            looks = watch.looks
            wait_for("one more look at the files", lambda: watch.looks > looks + 1)
        finally:
            for process in shown:
                process.kill()
                process.wait()
    found = watch.seen(known)
    assert any(line.startswith("word: cmdline") for line in found), found
    assert any(line.startswith("key: environ") for line in found), found
    files = {line.partition(": ")[2] for line in found if "process" not in line}
    assert files == set(left) - {"shut/in.txt"}


def _of_processes(watch: Watch, known: dict[str, str]) -> set[str]:
    return {line for line in watch.seen(known) if "process" in line}
