"""What a device needs to trust this daemon, and what makes the screen an app."""

import asyncio
import json
import plistlib
import re
import struct
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.daemon.api_rig import Api, api
from twintap.access.certificates import Certificates
from twintap.api.page import SCREEN


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Api]:
    async with api(tmp_path, "room-1") as running:
        running.http.headers.pop("Authorization")
        yield running


async def with_tls(served: Api) -> Certificates:
    made = await asyncio.to_thread(Certificates.open, served.store.path, "192.168.1.20", bytes(8))
    cast("Any", served.http)._transport.app.state.context.certificates = made
    return made


def root(served: Api, path: str) -> str:
    return f"http://127.0.0.1:{served.port}{path}"


async def test_the_certificate_and_the_profile_need_no_token(served: Api) -> None:
    held = await with_tls(served)
    told = (await served.http.get("/trust")).json()
    assert told == {"tls": True, "name": held.authority.name, "fingerprint": held.authority.fingerprint}
    answer = await served.http.get(root(served, "/twintap.crt"))
    found = x509.load_der_x509_certificate(answer.content)
    assert found.fingerprint(hashes.SHA256()).hex(" ").upper() == told["fingerprint"]
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    answer = await served.http.get(root(served, "/twintap.mobileconfig"))
    assert answer.headers["content-type"] == "application/x-apple-aspen-config"
    assert (
        plistlib.loads(answer.content)["PayloadContent"][0]["PayloadContent"]
        == held.authority.certificate_der
    )


async def test_no_key_is_served(served: Api) -> None:
    await with_tls(served)
    for path in (
        "/ca.key",
        "/tls/ca.key",
        "/ui/../tls/ca.key",
        "/twintap.key",
        "/ui/%2e%2e/%2e%2e/tls/server.pem",
    ):
        answer = await served.http.get(root(served, path))
        assert answer.status_code == 404
        assert b"PRIVATE" not in answer.content


async def test_without_tls_there_is_nothing_to_trust(served: Api) -> None:
    assert (await served.http.get("/trust")).json() == {"tls": False, "name": None, "fingerprint": None}
    for path in ("/twintap.crt", "/twintap.mobileconfig"):
        answer = await served.http.get(root(served, path))
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown")
    assert (await served.http.get(root(served, "/trust"))).status_code == 200


async def test_offers_lead_to_the_address_that_speaks_tls(served: Api) -> None:
    await with_tls(served)
    context = cast("Any", served.http)._transport.app.state.context
    context.host = "192.168.1.20"
    answer = await served.http.post(
        "/join/offers",
        json={"room": "room-1", "role": "therapist"},
        headers={"Authorization": f"Bearer {served.admin}"},
    )
    offer = answer.json()
    assert offer["url"].startswith(f"https://192.168.1.20:{served.port}/#join=")
    assert offer["reach"] == "network"


def test_the_app_has_its_icons_in_the_sizes_that_it_says() -> None:
    manifest = json.loads((SCREEN / "manifest.webmanifest").read_text())
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    purposes = set()
    for icon in manifest["icons"]:
        path = SCREEN / icon["src"].removeprefix("/ui/")
        purposes.add(icon.get("purpose", "any"))
        if path.suffix == ".png":
            assert "x".join(map(str, png_size(path))) == icon["sizes"]
        else:
            assert path.read_text().startswith("<svg")
    assert purposes == {"any", "maskable"}
    page = (SCREEN / "index.html").read_text()
    assert 'rel="manifest" href="/ui/manifest.webmanifest"' in page
    touch = re.search(r'rel="apple-touch-icon" href="/ui/([^"]+)"', page)
    assert touch is not None
    assert png_size(SCREEN / touch[1]) == (180, 180)


def png_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", data[16:24])


def test_every_step_on_the_trust_page_has_its_words() -> None:
    words = json.loads((SCREEN / "text.en.json").read_text())
    script = (SCREEN / "js" / "trust.js").read_text()
    systems = re.findall(r'name: "(\w+)", file: \w+, steps: (\d+)', script)
    wanted = {f"trust.{name}" for name, _ in systems}
    wanted |= {f"trust.{name}.{number}" for name, steps in systems for number in range(1, int(steps) + 1)}
    wanted |= set(re.findall(r'"(trust\.\w+)"', script))
    assert len(systems) == 5
    assert wanted == {key for key in words if key.startswith("trust.")}
