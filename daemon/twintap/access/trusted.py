"""What a client on this computer trusts: the system's authorities, and this data folder's own."""

import contextlib
import ssl
from pathlib import Path

FOLDER = "tls"  # beneath the data folder
AUTHORITY_FILE = "ca.crt"


def client_context(data: Path) -> ssl.SSLContext:
    """Give a client's context that trusts the system's authorities and the data folder's. Blocks."""
    context = ssl.create_default_context()
    with contextlib.suppress(FileNotFoundError, ssl.SSLError):
        context.load_verify_locations(cafile=data / FOLDER / AUTHORITY_FILE)
    return context
