"""How each kind of file wants a program's arguments to be written, so that a path stays one path."""

import shlex
import subprocess
from collections.abc import Sequence

# What the Desktop Entry Specification ("The Exec key") lets stand without quotes, and nothing more.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:,+@")


def systemd_command(arguments: Sequence[str]) -> str:
    """Write an ExecStart=. See systemd.service(5), "Command lines", and systemd.syntax(7), "Quoting".

    The colon keeps systemd from taking a `$` for a variable. Of the program itself it refuses quotes and
    backslashes in the path, however they are written: such a one is started by sh.
    """
    if set(arguments[0]) & set("\"'\\"):
        arguments = ("/bin/sh", "-c", 'exec "$@"', "sh", *arguments)
    first, *rest = arguments
    return " ".join(_systemd_word(word) for word in (":" + first, *rest))


def _systemd_word(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def desktop_command(arguments: Sequence[str]) -> str:
    """Write an Exec=. Quoted for itself first, and then as any value in such a file is."""
    return desktop_value(" ".join(_desktop_word(word) for word in arguments))


def _desktop_word(text: str) -> str:
    text = text.replace("%", "%%")
    if text and set(text) <= _PLAIN:
        return text
    escaped = "".join("\\" + char if char in '"`$\\' else char for char in text)
    return f'"{escaped}"'


def desktop_value(text: str) -> str:
    """Write a string's value in a desktop entry."""
    escaped = text.replace("\\", "\\\\")
    return "\\s" + escaped[1:] if escaped.startswith(" ") else escaped


def shell_command(arguments: Sequence[str]) -> str:
    """Write a line for sh."""
    return shlex.join(arguments)


def windows_arguments(arguments: Sequence[str]) -> str:
    """Write arguments as Windows' programs take them apart."""
    return subprocess.list2cmdline(arguments)
