"""This daemon's own authority: the certificates by which browsers speak to it in private, made here.

The authority lives ten years; it is what a person trusts, once, on each device. Whoever trusts it trusts it
for private addresses and this computer's own names alone (name constraints, RFC 5280 section 4.2.1.10): even
with its key stolen, no page of the internet could be forged with it. Beneath it stands one certificate for
the daemon, made anew as this computer's addresses change and well before it ends.

What is here blocks, on the disk and on arithmetic; an event loop calls it by `asyncio.to_thread`.
"""

import ipaddress
import re
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..errors import StoreError
from ..store import is_open, refuse_if_open, replace_file
from .trusted import AUTHORITY_FILE, FOLDER

_AUTHORITY_LIFE = timedelta(days=3653)
# Browsers refuse leaves of more than 398 days from public authorities, and systems more than 825 from any.
_LEAF_LIFE = timedelta(days=180)
_RENEWED_BEFORE_END = timedelta(days=60)
# A tablet's clock may be behind ours.
_BEHIND = timedelta(days=2)

_PRIVATE = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Leaf:
    """The daemon's certificate: whom it names, until when, and a server's context that presents it."""

    names: frozenset[str]
    serial: int
    ends_at: datetime
    context: ssl.SSLContext


class Authority:
    """The authority of one data folder."""

    def __init__(self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """Use `Authority.open`."""
        self._folder = folder
        self._certificate = certificate
        self._key = key

    @classmethod
    def open(cls, data: Path, names: Iterable[str], now: datetime | None = None) -> "Authority":
        """Open the authority in the data folder, made at its first use.

        `names`: this computer's addresses and names. A new authority may vouch for them, and for what is
        private anyway. Raises `StoreError`: damaged, readable by others, or not to be written.
        """
        now = now or datetime.now(UTC)
        folder = data / FOLDER
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = _read(folder)
        except OSError as error:
            raise StoreError(f"{folder} cannot be used ({error.strerror}); mend its rights") from error
        if found is None or found[0].not_valid_after_utc - _LEAF_LIFE <= now:
            found = _make_authority(sorted(names), now)
            # The key first: a certificate without its key would be of no use.
            replace_file(folder / "ca.key", _pem_key(found[1]))
            replace_file(folder / AUTHORITY_FILE, found[0].public_bytes(serialization.Encoding.PEM))
        return cls(folder, *found)

    # -- what a person trusts ------------------------------------------------------------------------------

    @property
    def certificate_der(self) -> bytes:
        """The authority's certificate, as devices install it."""
        return self._certificate.public_bytes(serialization.Encoding.DER)

    @property
    def name(self) -> str:
        """The name under which devices list it."""
        (name,) = self._certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(name.value)

    @property
    def fingerprint(self) -> str:
        """Its SHA-256 as devices show it: 32 pairs of hex digits, with spaces."""
        return self._certificate.fingerprint(hashes.SHA256()).hex(" ").upper()

    # -- the daemon's certificate --------------------------------------------------------------------------

    def leaf(self, names: Iterable[str], now: datetime | None = None) -> Leaf:
        """Give the daemon's certificate for `names` (hosts, addresses): the one on the disk if it fits.

        Names that this authority may not vouch for are left out. Raises `StoreError`.
        """
        now = now or datetime.now(UTC)
        wanted = frozenset(name for name in names if self.may_name(name)) | {"localhost"}
        path = self._folder / "server.pem"
        kept = self._kept(path, wanted, now)
        if kept is None:
            kept, pem = self._make_leaf(wanted, now)
            replace_file(path, pem)
        return Leaf(wanted, kept.serial_number, kept.not_valid_after_utc, _context(path))

    def may_name(self, name: str) -> bool:
        """Whether the authority may vouch for a host name or an address."""
        constraints = self._certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        permitted = constraints.permitted_subtrees or []
        address = _address(name)
        if address is not None:
            return any(isinstance(one, x509.IPAddress) and _covers(one.value, address) for one in permitted)
        return any(
            isinstance(one, x509.DNSName) and (name == one.value or name.endswith("." + one.value))
            for one in permitted
        )

    def _kept(self, path: Path, wanted: frozenset[str], now: datetime) -> x509.Certificate | None:
        """Give the certificate on the disk, if it is ours, names all that is wanted and lives long enough."""
        try:
            data = path.read_bytes()
            certificate = x509.load_pem_x509_certificate(data)
            certificate.verify_directly_issued_by(self._certificate)
            key = serialization.load_pem_private_key(data, None)
            named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (
            OSError,
            ValueError,
            TypeError,
            InvalidSignature,
            UnsupportedAlgorithm,
            x509.ExtensionNotFound,
        ):
            # Whatever lies there is made anew: the authority is what counts.
            return None
        if key.public_key() != certificate.public_key() or is_open(path):
            return None
        has = {*named.get_values_for_type(x509.DNSName), *map(str, named.get_values_for_type(x509.IPAddress))}
        lives = (
            certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - _RENEWED_BEFORE_END
        )
        return certificate if lives and wanted <= has else None

    def _make_leaf(self, names: frozenset[str], now: datetime) -> tuple[x509.Certificate, bytes]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_subject("twintap"), self._certificate.subject, key, now, _LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([_general(name) for name in sorted(names)]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        return certificate, certificate.public_bytes(serialization.Encoding.PEM) + _pem_key(key)


def _make_authority(
    names: Sequence[str], now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    # Told apart in a device's list by when they were made, should there be a second one.
    subject = _subject(f"twintap on {_host(names)}, {now:%Y-%m-%d}")
    hosts = [name for name in names if _is_host(name) and not name.endswith(".local")]
    networks = [ipaddress.ip_network(text) for text in _PRIVATE]
    for address in filter(None, map(_address, names)):
        # Some houses use public addresses within their own walls.
        if not any(_covers(network, address) for network in networks):
            networks.append(ipaddress.ip_network(address))
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in ("local", "localhost", *hosts)]
    permitted += [x509.IPAddress(network) for network in networks]
    certificate = (
        _builder(subject, subject, key, now, _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEHIND)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    # 64 characters are all that the field holds.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _host(names: Sequence[str]) -> str:
    """Give the shortest name that is one: what people call this computer."""
    hosts = [name for name in names if _is_host(name) and name != "localhost" and "." not in name]
    return min(hosts, key=len, default="this computer")[:40]


def _is_host(name: str) -> bool:
    return _HOST.fullmatch(name) is not None and _address(name) is None


def _address(name: str) -> _Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _covers(network: object, address: _Address) -> bool:
    is_network = isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network)
    return is_network and network.version == address.version and address in network


def _general(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _read(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """Give the authority on the disk, None if none is there; StoreError if damaged or open to others."""
    try:
        pem, key_pem = (folder / AUTHORITY_FILE).read_bytes(), (folder / "ca.key").read_bytes()
    except FileNotFoundError:
        return None
    refuse_if_open(folder / "ca.key")
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = serialization.load_pem_private_key(key_pem, None)
        certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        key, certificate = None, None
    if (
        certificate is None
        or not isinstance(key, ec.EllipticCurvePrivateKey)
        or key.public_key() != certificate.public_key()
    ):
        raise StoreError(
            f"{folder} is damaged; restore it from a copy, or move it away: a new authority is made, "
            "and every device has to trust it anew"
        )
    return certificate, key


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(path)
    except (OSError, ssl.SSLError) as error:
        raise StoreError(f"{path} cannot be used ({error}); remove it, and it is made anew") from error
    return context
