"""The daemon's own authority: what it vouches for, what it may not, when it makes what anew."""

import os
import plistlib
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from twintap.access.authority import Authority
from twintap.access.profile import mobileconfig
from twintap.access.trusted import client_context
from twintap.errors import StoreError

NAMES = ("practice", "practice.local", "practice.clinic.example", "192.168.1.20", "198.51.100.7", "localhost")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def leaf_in(data: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((data / "tls" / "server.pem").read_bytes())


def names_in(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))}


def shakes_hands(data: Path, server: ssl.SSLContext, name: str) -> bool:
    """Whether a client of this folder, that asks for `name`, takes what the server presents."""
    client_in, client_out, server_in, server_out = (ssl.MemoryBIO() for _ in range(4))
    client = client_context(data).wrap_bio(client_in, client_out, server_hostname=name)
    serving = server.wrap_bio(server_in, server_out, server_side=True)
    for _ in range(5):
        for one in (client, serving):
            try:
                one.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError:
                return False
            server_in.write(client_out.read())
            client_in.write(server_out.read())
    return client.version() in ("TLSv1.2", "TLSv1.3")


def test_who_trusts_the_authority_trusts_the_daemon_at_all_its_names(data: Path) -> None:
    leaf = Authority.open(data, NAMES).leaf(NAMES)
    assert leaf.names == set(NAMES)
    for name in NAMES:
        assert shakes_hands(data, leaf.context, name), name
    assert not shakes_hands(data, leaf.context, "elsewhere.local")
    (data / "tls" / "ca.crt").unlink()
    assert not shakes_hands(data, leaf.context, "localhost")


@posix
def test_its_keys_are_its_owner_s_alone(data: Path) -> None:
    Authority.open(data, NAMES).leaf(NAMES)
    assert stat.S_IMODE((data / "tls").stat().st_mode) == 0o700
    files = sorted(path.name for path in (data / "tls").iterdir())
    assert files == ["ca.crt", "ca.key", "server.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (data / "tls").iterdir()} == {0o600}
    (data / "tls" / "ca.key").chmod(0o640)
    with pytest.raises(StoreError, match="chmod 600"):
        Authority.open(data, NAMES)


def test_it_vouches_for_nothing_on_the_internet_even_with_its_key_stolen(data: Path) -> None:
    authority = Authority.open(data, NAMES)
    for name in ("example.com", "clinic.example", "evilpractice", "203.0.113.1", "8.8.8.8", "2001:db8::1"):
        assert not authority.may_name(name), name
    for name in (
        "practice",
        "a.local",
        "10.1.2.3",
        "172.31.0.1",
        "198.51.100.7",
        "fe80::1",
        "fd00::1",
        "::1",
    ):
        assert authority.may_name(name), name
    assert authority.leaf(["example.com", "localhost"]).names == {"localhost"}

    # A forger with the key can sign anything; a client does not take it.
    class Forger(Authority):
        def may_name(self, name: str) -> bool:
            return True

    forged = Forger.open(data, NAMES).leaf(["example.com", "203.0.113.1", "localhost"])
    assert "example.com" in names_in(leaf_in(data))
    for name in ("example.com", "203.0.113.1", "localhost"):
        assert not shakes_hands(data, forged.context, name), name


def test_the_certificates_are_of_the_kind_that_devices_take(data: Path) -> None:
    authority = Authority.open(data, NAMES, NOW)
    authority.leaf(NAMES, NOW)
    root = x509.load_der_x509_certificate(authority.certificate_der)
    leaf = leaf_in(data)
    for certificate, is_authority in ((root, True), (leaf, False)):
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert (basic.critical, basic.value.ca) == (True, is_authority)
        assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=397)
    assert root.not_valid_after_utc - NOW >= timedelta(days=3652)
    # A tablet whose clock is behind takes it as well.
    assert leaf.not_valid_before_utc <= NOW - timedelta(days=1)
    assert root.extensions.get_extension_for_class(x509.NameConstraints).critical
    key = serialization.load_pem_private_key((data / "tls" / "server.pem").read_bytes(), None)
    assert key.public_key() == leaf.public_key()
    assert key.public_key() != root.public_key()


def test_a_certificate_that_fits_is_kept_over_restarts(data: Path) -> None:
    first = Authority.open(data, NAMES, NOW).leaf(NAMES, NOW)
    authority = Authority.open(data, (), NOW + timedelta(days=1))
    again = authority.leaf(NAMES[1:], NOW + timedelta(days=1))
    assert again.serial == first.serial


def test_it_is_made_anew_for_a_new_address_and_well_before_its_end(data: Path) -> None:
    authority = Authority.open(data, NAMES, NOW)
    first = authority.leaf(NAMES, NOW)
    moved = authority.leaf([*NAMES, "10.0.0.9"], NOW)
    assert moved.serial != first.serial
    assert "10.0.0.9" in names_in(leaf_in(data))
    later = NOW + timedelta(days=119)
    assert authority.leaf(NAMES, later).serial == moved.serial
    assert authority.leaf(NAMES, later + timedelta(days=2)).serial != moved.serial
    # A clock that was set back: what is not valid yet is of no use.
    assert authority.leaf(NAMES, NOW - timedelta(days=30)).serial != moved.serial


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_damaged_certificate_is_made_anew_and_a_damaged_authority_is_said(
    data: Path, damage: bytes
) -> None:
    authority = Authority.open(data, NAMES)
    first = authority.leaf(NAMES)
    (data / "tls" / "server.pem").write_bytes(damage)
    assert authority.leaf(NAMES).serial != first.serial
    for name in ("ca.crt", "ca.key"):
        kept = (data / "tls" / name).read_bytes()
        (data / "tls" / name).write_bytes(damage)
        # Nobody's trust is thrown away without a word.
        with pytest.raises(StoreError, match="move it away"):
            Authority.open(data, NAMES)
        (data / "tls" / name).write_bytes(kept)
    Authority.open(data, NAMES)


def test_a_stranger_s_certificate_in_its_place_is_not_presented(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    strange = Authority.open(other, NAMES).leaf(NAMES)
    authority = Authority.open(data, NAMES)
    (data / "tls" / "server.pem").write_bytes((other / "tls" / "server.pem").read_bytes())
    leaf = authority.leaf(NAMES)
    assert leaf.serial != strange.serial
    assert shakes_hands(data, leaf.context, "localhost")


def test_an_authority_near_its_end_makes_way_for_a_new_one(data: Path) -> None:
    first = Authority.open(data, NAMES, NOW)
    again = Authority.open(data, NAMES, NOW + timedelta(days=3400))
    assert again.fingerprint == first.fingerprint
    late = Authority.open(data, NAMES, NOW + timedelta(days=3600))
    assert late.fingerprint != first.fingerprint


@pytest.mark.parametrize("names", [(), ("büro",), ("*", "a b", "x" * 64, "-"), ("", ".", "..local")])
def test_a_computer_with_an_odd_name_is_served_by_its_addresses(data: Path, names: tuple[str, ...]) -> None:
    leaf = Authority.open(data, names).leaf([*names, "127.0.0.1"])
    assert shakes_hands(data, leaf.context, "127.0.0.1")
    assert shakes_hands(data, leaf.context, "localhost")


def test_the_fingerprint_is_what_devices_show(data: Path) -> None:
    authority = Authority.open(data, NAMES)
    pairs = authority.fingerprint.split(" ")
    assert len(pairs) == 32
    digest = x509.load_der_x509_certificate(authority.certificate_der).fingerprint(hashes.SHA256())
    assert bytes(int(pair, 16) for pair in pairs) == digest
    assert authority.name.startswith("twintap on practice, ")


def test_the_profile_holds_the_certificate_and_replaces_itself(data: Path) -> None:
    authority = Authority.open(data, NAMES)

    def made() -> bytes:
        return mobileconfig(authority.certificate_der, authority.name, authority.fingerprint)

    profile = plistlib.loads(made())
    (payload,) = profile["PayloadContent"]
    assert profile["PayloadType"] == "Configuration"
    assert payload["PayloadType"] == "com.apple.security.root"
    assert payload["PayloadContent"] == authority.certificate_der
    assert made() == made()
    assert profile["PayloadUUID"] != payload["PayloadUUID"]
