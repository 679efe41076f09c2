"""What would be written, on every platform: paths stay whole, and nothing secret is in it."""

import plistlib
import shlex
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap.errors import StartupError
from twintap.service import here, pictures, quoting
from twintap.service.plan import MARK, Plan, System, Wanted
from twintap.service.windows import task_name

NASTY = '/srv/home/ann o\'neil/my "tap" $HOME %h `id` \\n;#é'

POSIX = Wanted(
    "linux",
    python=f"{NASTY}/bin/python",
    data=f"{NASTY}/data",
    host="0.0.0.0",
    port=8701,
    tls=True,
    home="/srv/home/ann",
    config_home="/srv/home/ann/.config",
    data_home="/srv/home/ann/.local/share",
    user="ann",
    uid=1000,
)
WINDOWS = replace(
    POSIX,
    system="windows",
    python=r"C:\Users\Ann & Co\py thon\pythonw.exe",
    data="C:\\Users\\Ann & Co\\data \\",
    home=r"C:\Users\Ann",
    config_home=r"C:\Users\Ann\AppData\Roaming",
    data_home=r"C:\Users\Ann\AppData\Roaming",
    user="HOUSE\\Ann & <Co>",
)
EACH = (POSIX, replace(POSIX, system="macos"), WINDOWS)

# What may stand in a path, and be written into a file of text.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=30
).filter(str.isprintable)


def content(plan: Plan, ending: str) -> bytes:
    (found,) = [file.content for file in plan.files if file.path.endswith(ending)]
    return found


def value(text: str, name: str) -> str:
    (found,) = [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]
    return found


# -- readers of what was written, each by its own specification ----------------------------------------------


def read_systemd(line: str) -> list[str]:
    """systemd.syntax(7): words in double quotes, backslashes undone, `%%` for `%`; a colon first."""
    words: list[str] = []
    position = 0
    while position < len(line):
        assert line[position] == '"'
        position, word = position + 1, ""
        while line[position] != '"':
            if line[position] == "\\":
                position += 1
                assert line[position] in '\\"'
            word += line[position]
            position += 1
        words.append(word)
        position += 1
        assert position == len(line) or line[position] == " "
        position += 1
    assert words[0].startswith(":")
    words[0] = words[0][1:]
    for word in words:
        assert "%" not in word.replace("%%", "")
    words = [word.replace("%%", "%") for word in words]
    # systemd refuses a program with these in its path.
    assert not set(words[0]) & set("\"'\\")
    return words[4:] if words[:4] == ["/bin/sh", "-c", 'exec "$@"', "sh"] else words


def read_desktop(text: str) -> list[str]:
    """Desktop Entry Specification: the value's own escapes first, then the quoting of the Exec key."""
    escapes = {"\\": "\\", "s": " ", "n": "\n", "t": "\t", "r": "\r"}
    plain, position = "", 0
    while position < len(text):
        if text[position] == "\\":
            position += 1
            plain += escapes[text[position]]
        else:
            plain += text[position]
        position += 1
    words: list[str] = []
    position = 0
    while position < len(plain):
        word = ""
        if plain[position] == '"':
            position += 1
            while plain[position] != '"':
                if plain[position] == "\\":
                    position += 1
                    assert plain[position] in '"`$\\'
                else:
                    assert plain[position] not in "`$"
                word += plain[position]
                position += 1
            position += 1
        else:
            while position < len(plain) and plain[position] != " ":
                assert plain[position] not in "\t\n\"'\\><~|&;$*?#()`"
                word += plain[position]
                position += 1
        assert "%" not in word.replace("%%", "")
        words.append(word.replace("%%", "%"))
        assert position == len(plain) or plain[position] == " "
        position += 1
    return words


def read_windows(line: str) -> list[str]:
    """CommandLineToArgvW's rules: 2n backslashes before a quote are n, and a quote that counts."""
    words: list[str] = []
    word, is_quoted, has_word, position = "", False, False, 0
    while position < len(line):
        char = line[position]
        if char == "\\":
            run = len(line[position:]) - len(line[position:].lstrip("\\"))
            position += run
            if position < len(line) and line[position] == '"':
                word += "\\" * (run // 2)
                if run % 2:
                    word += '"'
                    position += 1
            else:
                word += "\\" * run
            has_word = True
            continue
        if char == '"':
            is_quoted, has_word = not is_quoted, True
        elif char in " \t" and not is_quoted:
            if has_word:
                words.append(word)
            word, has_word = "", False
        else:
            word, has_word = word + char, True
        position += 1
    return [*words, word] if has_word else words


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_whatever_is_in_an_argument_stays_in_it(arguments: list[str]) -> None:
    assert read_systemd(quoting.systemd_command(arguments)) == arguments
    assert read_desktop(quoting.desktop_command(arguments)) == arguments
    assert shlex.split(quoting.shell_command(arguments)) == arguments
    assert read_windows(quoting.windows_arguments(arguments)) == arguments


# -- the files -----------------------------------------------------------------------------------------------


def test_linux_has_a_unit_and_an_entry_that_start_this_python_over_this_folder() -> None:
    plan = here.plan_for(POSIX)
    unit = content(plan, "/srv/home/ann/.config/systemd/user/twintap.service").decode()
    assert read_systemd(value(unit, "ExecStart")) == list(POSIX.serve)
    assert f"{NASTY}/data" in POSIX.serve
    entry = content(plan, "/srv/home/ann/.local/share/applications/twintap.desktop").decode()
    assert read_desktop(value(entry, "Exec")) == list(POSIX.open)
    (icon,) = [file.path for file in plan.files if file.path.endswith(".svg")]
    assert value(entry, "Icon") == icon


def test_what_the_daemon_prints_is_kept_by_no_log() -> None:
    # On its stdout stands a link by which whoever reads it becomes this computer's owner.
    assert value(content(here.plan_for(POSIX), ".service").decode(), "StandardOutput") == "null"
    mac = here.plan_for(replace(POSIX, system="macos"))
    assert (
        plistlib.loads(content(mac, "LaunchAgents/org.twintap.daemon.plist"))["StandardOutPath"]
        == "/dev/null"
    )


def test_macos_has_an_agent_and_an_application() -> None:
    wanted = replace(POSIX, system="macos")
    plan = here.plan_for(wanted)
    agent = plistlib.loads(content(plan, "/srv/home/ann/Library/LaunchAgents/org.twintap.daemon.plist"))
    assert agent["ProgramArguments"] == list(wanted.serve)
    assert agent["RunAtLoad"] is True
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    bundle = plistlib.loads(content(plan, "/Twintap.app/Contents/Info.plist"))
    (script,) = [file for file in plan.files if file.path.endswith(f"MacOS/{bundle['CFBundleExecutable']}")]
    assert script.mode == 0o755
    assert shlex.split(script.content.decode().splitlines()[-1]) == ["exec", *wanted.open]
    assert content(plan, bundle["CFBundleIconFile"]).startswith(b"icns")


def test_windows_has_a_task_at_this_user_s_own_logon() -> None:
    plan = here.plan_for(WINDOWS)
    raw = content(plan, "task.xml")
    assert raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    task = ElementTree.fromstring(raw.decode("utf-16").partition("?>")[2])
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}

    def at(path: str) -> str | None:
        return task.findtext(path, namespaces=space)

    assert at("t:Actions/t:Exec/t:Command") == WINDOWS.python
    assert read_windows(at("t:Actions/t:Exec/t:Arguments") or "") == list(WINDOWS.serve[1:])
    assert at("t:Triggers/t:LogonTrigger/t:UserId") == at("t:Principals/t:Principal/t:UserId") == WINDOWS.user
    assert at("t:Principals/t:Principal/t:RunLevel") == "LeastPrivilege"
    # One that has crashed is started again, and one that runs is left alone.
    assert at("t:Triggers/t:LogonTrigger/t:Repetition/t:Interval") == "PT1M"
    assert at("t:Settings/t:MultipleInstancesPolicy") == "IgnoreNew"
    # It is not ended after three days, nor on battery.
    assert at("t:Settings/t:ExecutionTimeLimit") == "PT0S"
    assert at("t:Settings/t:StopIfGoingOnBatteries") == "false"
    shortcut = next(step for step in plan.register if step.command[0] == "powershell")
    assert read_windows(shortcut.environment["TWINTAP_ARGUMENTS"]) == list(WINDOWS.open[1:])
    # No path is ever a piece of the script.
    assert "Ann" not in " ".join(shortcut.command)
    name = task_name(WINDOWS.user)
    assert not set(name) & set('\\/:*?"<>|')
    named = [step for step in (*plan.register, *plan.restart, *plan.end) if step.command[0] == "schtasks"]
    assert len(named) >= 4
    assert all(name in step.command for step in named)


@pytest.mark.parametrize("wanted", EACH, ids=[one.system for one in EACH])
def test_every_text_says_whose_it_is_and_every_plan_how_it_ends(wanted: Wanted) -> None:
    plan = here.plan_for(wanted)
    for file in plan.files:
        text = file.content.decode("utf-16" if file.path.endswith(".xml") else "utf-8", "replace")
        is_picture = file.path.endswith((".svg", ".icns", ".ico", "Info.plist"))
        assert is_picture or MARK in text, file.path
        assert not file.mode & 0o022
    assert plan.end
    assert plan.hints
    assert len({file.path for file in plan.files} | {*plan.made}) == len(plan.files) + len(plan.made)


@pytest.mark.parametrize(
    ("host", "tls", "url"),
    [
        ("0.0.0.0", True, "http://127.0.0.1:8701"),
        ("127.0.0.1", True, "http://127.0.0.1:8701"),
        ("192.0.2.7", True, "https://192.0.2.7:8701"),
        ("192.0.2.7", False, "http://192.0.2.7:8701"),
    ],
)
def test_the_icon_opens_the_address_at_which_the_daemon_serves(host: str, tls: bool, url: str) -> None:
    wanted = replace(POSIX, host=host, tls=tls)
    assert wanted.open[-1] == url
    assert ("--no-tls" in wanted.serve) == (not tls)


@pytest.mark.parametrize("text", ["", "a\nb", "a\x00b", "a\udcffb", "x" * 5_000])
def test_a_path_that_no_file_of_text_can_hold_is_refused_in_words(text: str) -> None:
    with pytest.raises(StartupError, match="cannot be told"):
        replace(POSIX, data=text)


def test_the_icons_are_what_their_containers_say() -> None:
    folder = Path(here.__file__).parent.parent / "screen"
    large, small = (folder / "icon-512.png").read_bytes(), (folder / "icon-192.png").read_bytes()
    packed = pictures.icns(large)
    assert struct.unpack("!I", packed[4:8])[0] == len(packed)
    assert packed[16:] == large
    packed = pictures.ico(small)
    size, offset = struct.unpack("<II", packed[14:22])
    assert (packed[6], packed[offset:], size) == (192, small, len(small))
    for wrong in (lambda: pictures.icns(small), lambda: pictures.ico(large), lambda: pictures.ico(b"GIF89a")):
        with pytest.raises(ValueError, match="it "):
            wrong()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_itself_takes_the_unit(tmp_path: Path) -> None:
    # With a program that is really there, at a path with all that systemd takes in one: it looks for it.
    python = tmp_path / "a b" / "$HOME %h é;" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    unit = tmp_path / "twintap.service"

    def verify(program: str) -> str:
        unit.write_bytes(content(here.plan_for(replace(POSIX, python=program)), ".service"))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--user", "--man=no", "--recursive-errors=no", str(unit)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        )
        return done.stderr + done.stdout + (f"exit {done.returncode}" if done.returncode else "")

    for program in (str(python), f"{NASTY}/bin/python"):
        found = verify(program)
        assert "twintap" not in found, found
    # And it does look: a program that is not there is seen.
    python.unlink()
    assert "not executable" in verify(str(python))


@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_this_computer_is_told_truly(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "not/absolute")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    wanted = here.wanted_here(tmp_path / "d", host="0.0.0.0", port=8700, tls=True, system=system)
    assert (wanted.python, wanted.data) == (sys.executable, str(tmp_path / "d"))
    home = str(wanted.path(str(tmp_path)))
    assert all(file.path.startswith(home) for file in here.plan_for(wanted).files)
