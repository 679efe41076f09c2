"""The other engine: WebKitGTK's own small browser on a display that nobody sees, driven by its WebDriver."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from selenium.webdriver import Remote
from selenium.webdriver.common.proxy import Proxy
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

_SCREEN = "1180x820x24"
# Bounds a hang, and measures nothing.
PATIENCE_S = 30
_BROWSERS = "webkit2gtk-4.*/MiniBrowser"


def _find(command: str, package: str) -> str:
    found = shutil.which(command)
    if found is None:
        pytest.skip(f"{command} is missing: on Debian and Ubuntu `apt install {package}`")
    return found


def _find_browser() -> str:
    for folder in (Path("/usr/lib"), Path("/usr/libexec")):
        for pattern in (_BROWSERS, f"*/{_BROWSERS}"):
            found = sorted(folder.glob(pattern))
            if found:
                return str(found[-1])
    pytest.skip("WebKitGTK's MiniBrowser is missing: on Debian and Ubuntu `apt install webkit2gtk-driver`")


@contextlib.contextmanager
def display() -> Generator[str]:
    """A display without a screen; gives its name."""
    command = _find("Xvfb", "xvfb")
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            [command, "-displayfd", str(writing), "-screen", "0", _SCREEN, "-nolisten", "tcp"],
            pass_fds=[writing], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writing)
        with os.fdopen(reading, "rb") as told:
            number = told.readline().decode().strip()
    except OSError as error:
        raise AssertionError(f"Xvfb does not start: {error}") from error
    try:
        assert number, "Xvfb ended before it had a display"
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextlib.contextmanager
def webkit(folder: Path) -> Generator[Remote]:
    """A WebKit with a home of its own in `folder`, and nothing of the user's."""
    driver, browser = _find("WebKitWebDriver", "webkit2gtk-driver"), _find_browser()
    folder.chmod(0o700)
    options = Options()
    options.binary_location = browser
    options.add_argument("--automation")
    with display() as name:
        home = {key: str(folder) for key in ("HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
        # No bus of the user's: none is needed, and a machine for tests may have none.
        env = (
            os.environ
            | home
            | {"DISPLAY": name, "DBUS_SESSION_BUS_ADDRESS": "disabled:", "GDK_BACKEND": "x11"}
        )
        service = Service(driver, env=env, log_output=str(folder / "driver.log"))
        service.start()
        try:
            # Its kinds of proxy come without types, and are named in capitals.
            direct = Proxy({"proxyType": "DIRECT"})
            config = ClientConfig(remote_server_addr=service.service_url, proxy=direct, timeout=PATIENCE_S)
            remote = Remote(command_executor=RemoteConnection(client_config=config), options=options)
            try:
                yield remote
            finally:
                remote.quit()
        finally:
            service.stop()
