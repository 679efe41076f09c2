"""The icon in the containers that platforms want; each holds a PNG as it is."""

import struct

_PNG = b"\x89PNG\r\n\x1a\n"


def size_of(png: bytes) -> int:
    """Give the width of a PNG in pixels, from its first chunk. ValueError if it is none."""
    if not png.startswith(_PNG) or png[12:16] != b"IHDR":
        raise ValueError("it is no PNG")
    return int(struct.unpack("!I", png[16:20])[0])


def icns(png: bytes) -> bytes:
    """Put a PNG of 512 by 512 into Apple's container."""
    if size_of(png) != 512:
        raise ValueError("it has to be 512 pixels wide")
    return struct.pack("!4sI4sI", b"icns", len(png) + 16, b"ic09", len(png) + 8) + png


def ico(png: bytes) -> bytes:
    """Put a PNG of up to 256 by 256 into Windows' container."""
    size = size_of(png)
    if size > 256:
        raise ValueError("it has to be at most 256 pixels wide")
    head = struct.pack("<HHH", 0, 1, 1)  # reserved, an icon, one picture
    width = size % 256  # 0 stands for 256
    entry = struct.pack("<BBBBHHII", width, width, 0, 0, 1, 32, len(png), len(head) + 16)
    return head + entry + png
