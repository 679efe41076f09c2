"""Pairing's view of a daemon that runs in another process."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..paired import Pairing
from .wanted import Place, Road, Where

if TYPE_CHECKING:
    from ..client import Client


class RemoteRegistrar:
    """Pairing's view of a daemon in another process."""

    def __init__(self, client: "Client") -> None:
        """Use a client that has the daemon's admin token."""
        self._client = client

    async def where(self) -> Where:
        """Ask the daemon where it is."""
        found = await self._client.ask("GET", "/daemon")
        return Where(found["daemon_id"], tuple((one["host"], one["port"]) for one in found["addresses"]))

    async def add(self, pairing: Pairing, replace: bytes | None = None) -> str:
        """Give the key to the daemon."""
        body: dict[str, object] = {
            "pulser_id": pairing.pulser_id.hex(),
            "key": pairing.key.hex(),
            "ceiling_pct": int(pairing.ceiling_pct),
        }
        if replace is not None:
            return str((await self._client.ask("POST", f"/pulsers/{replace.hex()}/replace", body))["colour"])
        body |= {"room": pairing.room, "side": pairing.side, "name": pairing.name}
        return str((await self._client.ask("POST", "/pulsers", body))["colour"])

    async def undo(self, pulser_id: bytes) -> None:
        """Have the daemon put back what was."""
        await self._client.ask("POST", f"/pulsers/{pulser_id.hex()}/undo")

    async def is_linked(self, pulser_id: bytes) -> bool:
        """Ask whether the pulser is linked."""
        found = await self._client.ask("GET", "/pulsers")
        return any(one["id"] == pulser_id.hex() and one["link"] == "linked" for one in found["pulsers"])

    async def road(self, pulser_id: bytes) -> Road:
        """Ask what is heard of the pulser."""
        found = await self._client.ask("GET", f"/pulsers/{pulser_id.hex()}/road")
        return Road(found["linked"] is True, found["announced"] is True)

    async def places(self) -> Mapping[bytes, Place]:
        """Ask where every paired pulser works."""
        found = await self._client.ask("GET", "/places")
        return {
            bytes.fromhex(one["pulser"]): Place(one["room"], one["side"], one["name"], one["ceiling_pct"])
            for one in found
        }
