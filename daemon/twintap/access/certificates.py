"""The daemon's certificate, kept in step with this computer's addresses and names."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from pathlib import Path

from .. import addresses
from ..errors import StoreError
from .authority import Authority, Leaf

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 10.0
_RENEW_EVERY_S = 86_400.0  # it is renewed 60 days before its end: a day is soon enough to look at that


class Certificates:
    """The authority of a data folder, and the certificate that is presented now."""

    def __init__(
        self, authority: Authority, leaf: Leaf, wanted: frozenset[str], host: str, daemon_id: bytes
    ) -> None:
        """Use `Certificates.open`."""
        self.authority = authority
        self.leaf = leaf
        self.wanted = wanted
        self._host = host
        self._daemon_id = daemon_id

    @classmethod
    def open(cls, data: Path, host: str, daemon_id: bytes) -> "Certificates":
        """Open or make both, for a daemon that serves on `host`. Blocks. Raises `StoreError`."""
        names = _names(host, daemon_id)
        authority = Authority.open(data, names)
        return cls(authority, authority.leaf(names), names, host, daemon_id)

    async def follow(self, present: Callable[[ssl.SSLContext], None]) -> None:
        """Until cancelled: make the certificate anew when it no longer fits, and have it presented.

        A disk that cannot be written leaves the old certificate, and is tried again.
        """
        names, looked_at_s, complained = self.wanted, 0.0, False
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            looked_at_s += _LOOK_EVERY_S
            now = await asyncio.to_thread(_names, self._host, self._daemon_id)
            if now <= names and looked_at_s < _RENEW_EVERY_S:
                continue
            try:
                leaf = await asyncio.to_thread(self.authority.leaf, now)
            except StoreError as error:
                if not complained:
                    _log.warning("the certificate could not be renewed: %s", error)
                complained = True
                continue
            names, looked_at_s, complained = now, 0.0, False
            self.wanted = now
            if leaf.serial != self.leaf.serial:
                self.leaf = leaf
                present(leaf.context)

    @property
    def outside(self) -> list[str]:
        """Give this computer's names and addresses that its authority, made elsewhere, may not vouch for."""
        return sorted(name for name in self.wanted if not self.authority.may_name(name))


def _names(host: str, daemon_id: bytes) -> frozenset[str]:
    own = addresses.own_addresses() if host == addresses.ANY else [host]
    return addresses.own_names(daemon_id.hex()) | {*own, addresses.LOOPBACK}
