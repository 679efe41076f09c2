"""The links by which browsers reach this daemon, and the picture of one for a camera."""

from collections.abc import Sequence
from io import BytesIO, StringIO

import segno

from .. import addresses

# The quiet zone that the standard for QR codes asks for, in modules.
_BORDER = 4


def base_url(host: str, port: int, *, tls: bool) -> str:
    """Give the URL of this daemon at one of its addresses or names. On loopback it speaks plain HTTP."""
    scheme = "https" if tls and not addresses.is_loopback(host) else "http"
    return f"{scheme}://{host}:{port}"


def base_urls(served: Sequence[str], port: int, *, tls: bool, asked_at: str | None = None) -> list[str]:
    """Give every URL of this daemon, the best for another device first.

    `served`: the addresses that are served; `asked_at`: the host by which somebody has just reached it: if
    that was not loopback, it is known to work, and comes first.
    """
    hosts = [host for host in served if not addresses.is_loopback(host)]
    if asked_at is not None and not addresses.is_loopback(asked_at):
        hosts = [asked_at] + [host for host in hosts if host != asked_at]
    return [base_url(host, port, tls=tls) for host in hosts or [addresses.LOOPBACK]]


def join_link(base: str, text: str) -> str:
    """Give the link that carries a one-time token: in its fragment, which no request and no log ever has."""
    return f"{base}/#join={text}"


def qr_svg(link: str) -> str:
    """Give a link's QR code as an SVG document: black on white, in any theme; for a camera a metre away."""
    out = BytesIO()
    code = segno.make(link, error="m", micro=False)
    code.save(out, kind="svg", xmldecl=False, border=_BORDER, dark="#000", light="#fff", omitsize=True)
    return out.getvalue().decode("ascii").strip()


def qr_terminal(link: str) -> str:
    """Give a link's QR code for a terminal, two modules high to a line."""
    out = StringIO()
    segno.make(link, error="l", micro=False).terminal(out, border=2, compact=True)
    return out.getvalue().rstrip("\n")
