"""The screen: the files that a browser is given, as they lie in `screen/`, and nothing beside them.

They hold no room and no client, so they need no token; everything that they show comes over the API.
"""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

SCREEN = Path(__file__).parent.parent / "screen"

_KINDS: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_PACKED = frozenset(_KINDS) - {".png"}
# What may stand in a policy: a name or an address with a port. The front door has judged it already.
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: `body`, the same packed by gzip (None where that gains nothing), its tag."""

    kind: str
    body: bytes
    packed: bytes | None
    tag: str


@cache
def assets() -> Mapping[str, Asset]:
    """Read every file of the screen, once, by its path inside `screen/`. Blocks."""
    found: dict[str, Asset] = {}
    for path in sorted(SCREEN.rglob("*")):
        kind = _KINDS.get(path.suffix)
        if kind is None or not path.is_file():
            continue
        body = path.read_bytes()
        packed = gzip.compress(body, 9, mtime=0) if path.suffix in _PACKED else None
        tag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
        found[path.relative_to(SCREEN).as_posix()] = Asset(kind, body, packed, tag)
    return found


def policy(host: str) -> dict[str, str]:
    """Give the headers that keep a page to itself: nothing from elsewhere, no code but our files.

    `host`: the Host header. Older Safari does not count WebSockets as `'self'`, so they are named.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    parts = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        f"connect-src 'self'{sockets}",
        "manifest-src 'self'",
        "frame-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(parts),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


async def serve_asset(request: Request, name: str) -> Response:
    """Answer with a file of the screen; 304 if the browser has it as it is. 404 if there is none."""
    # From the disk once, in a thread; from then on at hand.
    held = assets() if assets.cache_info().currsize else await asyncio.to_thread(assets)
    asset = held.get(name)
    if asset is None:
        raise HTTPException(404, "there is no such page")
    headers = {
        **policy(request.headers.get("host", "")),
        # Asked about each time: what is shown is never older than the daemon that it speaks with.
        "Cache-Control": "no-cache",
        "ETag": asset.tag,
        "Vary": "Accept-Encoding",
    }
    known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    if asset.tag in known:
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.kind)
    return Response(asset.body, headers=headers, media_type=asset.kind)


def _takes_gzip(header: str) -> bool:
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


@router.api_route("/", methods=["GET", "HEAD"])
async def front_page(request: Request) -> Response:
    """Give the page in which everything else happens."""
    return await serve_asset(request, "index.html")


@router.api_route("/ui/{path:path}", methods=["GET", "HEAD"])
async def screen_file(request: Request, path: str) -> Response:
    """Give one of the page's files."""
    return await serve_asset(request, path)
