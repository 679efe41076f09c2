"""What the desktop's icon does: this computer's browser, with this computer's own rights, and no terminal.

The link that carries these rights goes to the browser in a file that this user alone can read: what a program
is started with, everybody on this computer could see. The link is good once, and for ten minutes.
"""

import html
import os
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

from ..doctor.asking import answer_of
from ..errors import StoreError

_FILE = "open.html"
_GO = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={link}"><title>Twintap</title></head>
<body><p><a href="{link}">Twintap</a></p></body></html>
"""
_FAILED = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Twintap</title></head>
<body style="font: 1.2rem system-ui; max-width: 40rem; margin: 3rem auto">
<h1>Twintap does not run</h1><p>{words}</p><p>In a terminal, this says more: <code>twintap doctor</code></p>
</body></html>
"""


def page_to(link: str) -> str:
    """Give a page that goes on to `link` by itself."""
    return _GO.format(link=html.escape(link, quote=True))


def page_about(words: str) -> str:
    """Give a page that says why there is nothing to open."""
    return _FAILED.format(words=html.escape(words))


def put_page(folder: Path, text: str) -> Path:
    """Write the page where this user alone can read it. StoreError if it cannot be written. Blocks."""
    path = folder / _FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        # Made anew, with its rights from the first byte on: never written into what another has put there.
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror})") from error
    return path


def page_folder(data: Path) -> Path:
    """Give the folder in which this user's browser can read a page: the data folder, as a rule. Blocks."""
    if sys.platform == "linux":
        folder = folder_of_snap(answer_of("xdg-settings", "get", "default-web-browser"), Path.home())
        if folder is not None:
            return folder
    return data


def folder_of_snap(browser: str | None, home: Path) -> Path | None:
    """Give the folder that a browser from a snap may read, if `browser` (its desktop entry) names one.

    Such a browser sees nothing in a hidden folder, and most data folders are in one.
    """
    name, joined, _ = (browser or "").strip().removesuffix(".desktop").partition("_")
    own = home / "snap" / name / "common"
    is_snap = bool(joined) and name.replace("-", "").isalnum() and own.is_dir()
    return own / "twintap" if is_snap else None


def show(path: Path) -> None:
    """Have the browser show a file. Blocks for a moment."""
    if sys.platform == "win32":
        os.startfile(path)  # noqa: S606 - a page that was just written here
        return
    opener = shutil.which("open") if sys.platform == "darwin" else None
    if opener is not None:
        subprocess.run([opener, str(path)], check=False, stdin=subprocess.DEVNULL)
        return
    webbrowser.open(path.as_uri())
