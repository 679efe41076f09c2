"""Where a secret may be sent: to this computer itself, or sealed."""

from starlette.requests import HTTPConnection

from .. import addresses
from ..errors import Fault, Refused

# What programs between a browser and a daemon say of themselves. Behind one of them the last stretch alone is
# this computer's own, and nobody knows how open the first one was.
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def refuse_plain(connection: HTTPConnection, what: str) -> None:
    """Raise `Refused("plain")` unless `what` came over TLS, or from this computer without leaving it."""
    if connection.scope["scheme"] in ("https", "wss"):
        return
    if any(name in connection.headers for name in _PASSED_ON) or not _is_from_here(connection):
        text = f"{what} does not go over plain HTTP: open the page over https, or where the daemon runs"
        raise Refused(Fault("plain", text))


def _is_from_here(connection: HTTPConnection) -> bool:
    """Whether it came over loopback, or to one of this computer's addresses from that very address."""
    client, server = connection.client, connection.scope.get("server")
    if client is None:
        return False
    return addresses.is_loopback(client.host) or (server is not None and client.host == server[0])
