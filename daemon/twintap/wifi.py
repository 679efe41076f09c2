"""What a Wi-Fi network may be called, and what its password may be."""

from twintap_protocol import limits

from .errors import Fault, Refused

SSID_BYTES_MAX = limits.MAX_SSID  # IEEE 802.11
# WPA2: 8..63 characters, or 64 hex digits; empty: an open network.
PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX = 8, limits.MAX_PASSWORD


def ssid_fault(ssid: str) -> str | None:
    """Say what is wrong with the name of a network; None: nothing."""
    if not 1 <= len(ssid.encode("utf-8", "surrogatepass")) <= SSID_BYTES_MAX:
        return f"a network's name has 1..{SSID_BYTES_MAX} bytes"
    if not ssid.isprintable():
        return "a network's name is printable"
    return None


def password_fault(password: str) -> str | None:
    """Say what is wrong with a network's password, without a part of it; None: nothing."""
    size = len(password.encode("utf-8", "surrogatepass"))
    if size and not PASSWORD_BYTES_MIN <= size <= PASSWORD_BYTES_MAX:
        return (
            f"a Wi-Fi password has {PASSWORD_BYTES_MIN}..{PASSWORD_BYTES_MAX} characters "
            f"(none for an open network); this one has {size}"
        )
    if not password.isprintable():
        return "a Wi-Fi password is printable"
    return None


def check_network(ssid: str, password: str) -> None:
    """Raise `Refused("field")` for what no network has; its words hold no part of the password."""
    for field, fault in (("ssid", ssid_fault(ssid)), ("password", password_fault(password))):
        if fault is not None:
            raise Refused(Fault("field", fault, field=field))
