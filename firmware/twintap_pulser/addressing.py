"""How far a pulser has come on its network, and the addresses there.

An *address* is six bytes: IPv4, then the port, big-endian, as DNS-SD and the virtual air have it.
"""

NETWORK_STATES = (
    "off",
    "no network set",
    "connecting",
    "up",
    "wrong password",
    "not found",
    "no address",
    "refused",
)

NO_ADDRESS = bytes(6)


def pack_address(host: str, port: int) -> bytes:
    """Six bytes of `a.b.c.d` and a port. Raises `ValueError` for anything else."""
    parts = host.split(".")
    if len(parts) != 4 or not 1 <= port <= 65535:
        raise ValueError("no IPv4 address and port: %s, %d" % (host, port))
    packed = bytearray(6)
    for at in range(4):
        part = parts[at]
        if not 1 <= len(part) <= 3 or not part.isdigit() or int(part) > 255:
            raise ValueError("no IPv4 address: %s" % host)
        packed[at] = int(part)
    packed[4] = port >> 8
    packed[5] = port & 0xFF
    return bytes(packed)


def host_of(address: bytes) -> str:
    """The dotted IPv4 of an address."""
    return "%d.%d.%d.%d" % (address[0], address[1], address[2], address[3])


def port_of(address: bytes) -> int:
    """The UDP port of an address."""
    return address[4] << 8 | address[5]
