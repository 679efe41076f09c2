"""Handshake and sealed frames as SPEC.md has them, on the `cryptography` library: no code of the package."""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.protocol.reference.frames import VERSION, header

TO_PULSER, TO_DAEMON = 0, 1


def mac(key, data):
    """The 16 bytes that end a handshake frame."""
    return hmac.new(key, data, hashlib.sha256).digest()[:16]


def signed(key, frame, body, version=VERSION):
    """A whole handshake frame."""
    data = header(frame, version) + body
    return data + mac(key, data)


def hello(pair, nonce, boot_id, version, frame_version=VERSION, extra=b""):
    """A HELLO; `extra` is what a later minor version appends."""
    body = pair["pulser_id"] + pair["daemon_id"] + nonce + boot_id + bytes(version) + b"\0" + extra
    return signed(pair["key"], "hello", body, frame_version)


def welcome(pair, nonce_pulser, nonce_daemon, link_id, ended_set, frame_version=VERSION, extra=b""):
    """A WELCOME."""
    body = pair["pulser_id"] + nonce_pulser + nonce_daemon + link_id + ended_set.to_bytes(4, "little") + extra
    return signed(pair["key"], "welcome", body, frame_version)


def beckon(pair, frame_version=VERSION, extra=b""):
    """A BECKON."""
    return signed(pair["key"], "beckon", pair["pulser_id"] + pair["daemon_id"] + extra, frame_version)


def refuse(pulser_id, reason, spoken, frame_version=VERSION):
    """A REFUSE."""
    return header("refuse", frame_version) + pulser_id + bytes((reason, spoken))


def link_keys(pair, nonce_pulser, nonce_daemon, link_id):
    """The keys of a link: (daemon to pulser, pulser to daemon)."""
    info = b"twintap link 1" + pair["pulser_id"] + pair["daemon_id"] + link_id
    okm = HKDF(SHA256(), 32, nonce_pulser + nonce_daemon, info).derive(pair["key"])
    return okm[:16], okm[16:]


def seal(keys, direction, link_id, counter, frame, payload, frame_version=VERSION):
    """A whole sealed frame."""
    aad = header(frame, frame_version) + link_id + counter.to_bytes(4, "little")
    nonce = bytes((direction,)) + link_id + counter.to_bytes(4, "little") + bytes(4)
    return aad + AESCCM(keys[direction], tag_length=8).encrypt(nonce, payload, aad)
