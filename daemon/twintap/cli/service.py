"""`twintap install-service`, `twintap remove-service`, and what the icon does."""

import argparse
import asyncio
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StartupError
from ..names import clean
from .kinds import command as command_of
from .kinds import whole

if TYPE_CHECKING:
    from ..service.plan import File, Plan, Step

_ANSWERS_WITHIN_S = 30.0
_ICON_WAITS_S = 15.0
_ASK_EVERY_S = 0.5
# A browser that has to be started first reads the page after some seconds.
_PAGE_STAYS_S = 30.0


def add_arguments(subs: "argparse._SubParsersAction[Any]") -> None:  # pyright: ignore[reportPrivateUsage] - it has no other name
    """Add the commands."""

    def add(name: str, run: object, words: str) -> argparse.ArgumentParser:
        parser = command_of(subs, name, run, words)
        parser.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")
        parser.add_argument("--json", action="store_true", help="print JSON, one value a line")
        return parser

    put = add("install-service", install_service, "have the daemon start with this computer, and put an icon")
    put.add_argument("--data", type=Path, metavar="DIR", help="the data folder (default: TWINTAP_DATA)")
    put.add_argument(
        "--host",
        default="0.0.0.0",
        metavar="H",
        help="127.0.0.1 for this computer alone (default: %(default)s)",
    )
    put.add_argument("--port", type=whole(1, 65535), default=8700, metavar="P", help="(default: %(default)s)")
    put.add_argument("--no-tls", action="store_true", help="speak plain HTTP to the network too")
    put.add_argument(
        "--platform", choices=("linux", "macos", "windows"), help="with --dry-run: as if this were that one"
    )
    add("remove-service", remove_service, "take away what install-service has put; the data stay")


def add_icon_arguments(parser: argparse.ArgumentParser) -> None:
    """Add to `twintap open` what its icon says; no person types it."""
    parser.add_argument("--icon", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.set_defaults(run=open_page)


async def install_service(options: argparse.Namespace) -> int:
    """Install the service, or say what that would be."""
    from ..folder import default_path
    from ..serve import command_prefix
    from ..service import carry, here, record

    if options.platform is not None and not options.dry_run:
        raise StartupError("--platform is for a look at what would be written: say --dry-run as well")
    _refuse_sudo()
    wanted = here.wanted_here(
        options.data or default_path(),
        host=options.host,
        port=options.port,
        tls=not options.no_tls,
        system=options.platform,
    )
    plan = await asyncio.to_thread(here.plan_for, wanted)
    if options.dry_run:
        print(json.dumps(_told(plan)) if options.json else shown(plan), flush=True)
        return 0
    path = record.record_path()
    is_first = await asyncio.to_thread(record.read_record, path) is None
    ran_before = is_first and await _answers(wanted.url, Path(wanted.data), 0.0)
    is_new = await asyncio.to_thread(carry.install, plan, wanted, path)
    answers = await _answers(wanted.url, Path(wanted.data), _ANSWERS_WITHIN_S)
    if not answers:
        raise StartupError(
            f"it is installed, and no daemon answers at {wanted.url} yet: end one that was started by hand, "
            f"and this one takes over; or see: {plan.log}"
        )
    hints = [] if await asyncio.to_thread(_lingers) else list(plan.hints)
    if ran_before:
        hints.insert(0, "A daemon was running already: end it, and within a minute this one takes its place.")
    files = [file.path for file in plan.files]
    if options.json:
        told = {"url": wanted.url, "data": wanted.data, "changed": is_new, "files": files, "hints": hints}
        print(json.dumps(told), flush=True)
        return 0
    print(f"The daemon runs at {wanted.url}, over {wanted.data}, and starts with this computer.")
    print("Its icon, Twintap, is among this user's applications.")
    for hint in hints:
        print(hint)
    prefix = command_prefix(Path(wanted.data), wanted.port, wanted.host, tls=wanted.tls)
    if prefix:
        print(f"For commands typed by hand, it is found with: {prefix.strip()}")
    print("To end all that: twintap remove-service. The data stay.", flush=True)
    return 0


async def remove_service(options: argparse.Namespace) -> int:
    """Remove the service; one that is not there is no error."""
    from ..folder import default_path
    from ..service import carry, here, record

    _refuse_sudo()
    path = record.record_path()
    found = await asyncio.to_thread(record.read_record, path)
    data = Path(found.data) if found is not None else default_path()
    wanted = here.wanted_here(data, host="0.0.0.0", port=8700, tls=True)
    plan = await asyncio.to_thread(here.plan_for, wanted)
    if options.dry_run:
        files = list(found.files) if found is not None else []
        steps = [_line(step) for step in (*plan.end, *plan.forget)]
        told = {"files": files, "steps": steps}
        words = "\n".join(
            [f"would run: {one}" for one in steps] + [f"would take away: {one}" for one in files]
        )
        print(json.dumps(told) if options.json else words, flush=True)
        return 0
    removed = await asyncio.to_thread(carry.remove, plan, path)
    if options.json:
        print(json.dumps({"gone": removed.gone, "left": removed.left}), flush=True)
        return 0
    for name in removed.gone:
        print(f"taken away: {name}")
    for name in removed.left:
        print(f"left, for somebody has changed it: {name}")
    print(f"The data stay in {data}." if removed.gone else "There was no service.", flush=True)
    return 0


def _refuse_sudo() -> None:
    if sys.platform != "win32" and os.geteuid() == 0 and os.environ.get("SUDO_USER"):
        raise StartupError("run it without sudo: the service is this user's own, and needs nobody's rights")


def _lingers() -> bool:
    """Whether systemd starts this user's services before anybody logs in."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or ""
    return bool(user) and "/" not in user and (Path("/var/lib/systemd/linger") / user).exists()


async def _answers(url: str, data: Path, within_s: float) -> bool:
    """Whether the daemon of this folder answers, within a time; one of another folder does not count."""
    from ..client import Client, Unreachable
    from ..errors import Refused

    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while True:
        try:
            async with Client(url, _token_of(data), data) as client:
                await client.ask("GET", "/daemon")
        except (Unreachable, Refused):
            if loop.time() >= until:
                return False
            await asyncio.sleep(_ASK_EVERY_S)
        else:
            return True


def _token_of(data: Path) -> str | None:
    from ..folder import read_admin_token

    return read_admin_token(data)


def shown(plan: "Plan") -> str:
    """Show a plan: each file whole, and what the system is asked."""
    lines = [f"For {plan.system}, this would be written:"]
    for file in plan.files:
        lines += ["", f"--- {file.path} ({file.mode:o})", _content(file)]
    lines += ["", "and run:"]
    lines += [f"    {_line(step)}" for step in (*plan.register, *plan.restart)]
    return "\n".join([*lines, *plan.hints])


def _content(file: "File") -> str:
    for code in ("utf-16", "utf-8"):
        if code == "utf-8" or file.content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            try:
                return file.content.decode(code).replace("\r\n", "\n").rstrip("\n")
            except UnicodeDecodeError:
                continue
    return f"({len(file.content)} bytes: a picture)"


def _line(step: "Step") -> str:
    told = [f"{name}={shlex.quote(value)}" for name, value in step.environment.items()]
    return " ".join([*told, shlex.join(step.command)])


def _told(plan: "Plan") -> dict[str, Any]:
    return {
        "system": plan.system,
        "files": [
            {"path": file.path, "mode": f"{file.mode:o}", "content": _content(file)} for file in plan.files
        ],
        "steps": [_line(step) for step in (*plan.register, *plan.restart)],
        "hints": list(plan.hints),
    }


# -- the icon ----------------------------------------------------------------------------------------------


async def open_page(options: argparse.Namespace) -> int:
    """Open the screen, for a person at a terminal or for the icon."""
    from . import commands

    return await (open_from_icon(options) if options.icon else commands.open_page(options))


async def open_from_icon(options: argparse.Namespace) -> int:
    """Open the screen in the browser; if no daemon runs, have the service start it, or say so there."""
    from ..client import DEFAULT_URL, Client, Unreachable
    from ..errors import Refused
    from ..folder import default_path
    from ..service import icon

    data: Path = options.data or default_path()
    url = str(options.url or os.environ.get("TWINTAP_URL") or DEFAULT_URL)
    try:
        if not await _answers(url, data, 0.0):
            await asyncio.to_thread(_start_service)
            await _answers(url, data, _ICON_WAITS_S)
        async with Client(url, _token_of(data), data) as client:
            offer = await client.ask("POST", "/join/offers", {"role": "admin"})
        page = icon.page_to(client.url + "/#" + str(offer["url"]).partition("#")[2])
        code = 0
    except (Unreachable, Refused) as error:
        page, code = icon.page_about(clean(str(error), 500)), 1
    folder = await asyncio.to_thread(icon.page_folder, data)
    path = await asyncio.to_thread(icon.put_page, folder, page)
    try:
        await asyncio.to_thread(icon.show, path)
        await asyncio.sleep(_PAGE_STAYS_S)
    finally:
        path.unlink(missing_ok=True)
    return code


def _start_service() -> None:
    """Ask the system to start the installed service; if there is none, nothing is done."""
    from ..service import carry, here, record

    found = record.read_record()
    if found is None:
        return
    wanted = here.wanted_here(Path(found.data), host="0.0.0.0", port=8700, tls=True)
    for step in here.plan_for(wanted).start:
        # Whether it has, the daemon's own answer says.
        carry.run_step(step)
