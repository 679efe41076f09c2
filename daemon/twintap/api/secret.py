"""Where a secret may be sent: to this computer itself, or sealed."""

from starlette.requests import HTTPConnection

from .. import addresses
from ..errors import Fault, Refused


def refuse_plain(connection: HTTPConnection, what: str) -> None:
    """Raise `Refused("plain")` unless `what` came over TLS, or from this computer without leaving it."""
    if connection.url.scheme in ("https", "wss"):
        return
    client = connection.client
    if client is None or not addresses.is_loopback(client.host):
        text = f"{what} does not go over plain HTTP: open the page over https, or where the daemon runs"
        raise Refused(Fault("plain", text))
