"""Joining: a link or six digits become a browser's cookie, which is a token like every other."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.daemon.api_rig import Api, api
from twintap.access import links
from twintap.api import gate
from twintap.api.gate import Gate
from twintap.errors import Refused, StoreError
from twintap.store import Store
from twintap.tokens import make_cookie, make_token

START = "/rooms/room-1/set/start"
STOP = "/rooms/room-1/set/stop"


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Api]:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 0.02)
    async with api(tmp_path, "room-1", "room-2") as running:
        yield running


class Browser:
    """A browser's manners: it keeps the cookie, and says of which page a request is."""

    def __init__(self, served: Api, base: str | None = None) -> None:
        self.served = served
        transport: Any = served.http._transport  # pyright: ignore[reportPrivateUsage]
        self.origin = base or f"http://127.0.0.1:{served.port}"
        self.http = httpx.AsyncClient(transport=transport, base_url=f"{self.origin}/api/v1")

    async def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers={"Origin": self.origin} | headers)

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path)

    async def join(self, offer: dict[str, Any], **said: str) -> dict[str, Any]:
        answer = await self.post("/join", {"token": token_of(offer)} | said)
        assert answer.status_code == 200, answer.text
        return answer.json()


def token_of(offer: dict[str, Any]) -> str:
    page, _, fragment = offer["url"].partition("#")
    assert fragment.startswith("join=")
    assert "join" not in page
    return fragment.removeprefix("join=")


async def offer_in(
    served: Api, role: str = "therapist", room: str | None = "room-1", **more: Any
) -> dict[str, Any]:
    body = {"role": role} | ({} if room is None else {"room": room}) | more
    answer = await served.http.post("/join/offers", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_link_becomes_a_cookie_that_no_script_reads_and_no_other_site_sends(served: Api) -> None:
    offer = await offer_in(served)
    browser = Browser(served)
    assert error(await browser.get("/me")) == (401, "token")
    answer = await browser.post("/join", {"token": token_of(offer), "label": "Ada"})
    (cookie,) = answer.headers.get_list("set-cookie")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= parts
    assert "secure" not in parts
    assert "domain" not in cookie.lower()
    assert token_of(offer) not in cookie
    assert (await browser.get("/me")).json() | {"expires_at": None} == {
        "label": "Ada",
        "role": "therapist",
        "rooms": ["room-1"],
        "notes": True,
        "via": "cookie",
        "expires_at": None,
    }
    assert (await browser.post(START, {})).status_code == 200
    assert served.hub.asked[-1][3] == "Ada"
    assert error(await browser.post("/rooms/room-2/set/start", {})) == (403, "room")
    assert error(await Browser(served).post("/join", {"token": token_of(offer)})) == (403, "offer")


async def test_over_tls_the_cookie_never_goes_in_the_clear(served: Api) -> None:
    browser = Browser(served, "https://localhost")
    answer = await browser.post("/join", {"token": token_of(await offer_in(served))})
    assert "; secure" in answer.headers["set-cookie"].lower()


async def test_six_digits_do_what_the_link_does(served: Api) -> None:
    offer = await offer_in(served, "observer", notes=True, label="a colleague")
    browser = Browser(served)
    wrong = "000000" if offer["digits"] != "000000" else "000001"
    assert error(await browser.post("/join", {"digits": wrong})) == (403, "offer")
    answer = await browser.post("/join", {"digits": offer["digits"], "label": "somebody else"})
    # Who was named in the offer is who joins.
    assert answer.json()["label"] == "a colleague"
    assert (answer.json()["role"], answer.json()["notes"]) == ("observer", True)
    assert (await browser.get("/rooms/room-1")).status_code == 200
    assert error(await browser.post(START, {})) == (403, "role")
    assert (await browser.post(STOP)).status_code == 200


async def test_what_is_no_way_to_join_is_said_so(served: Api) -> None:
    bodies: list[object] = [
        {},
        {"token": "x", "digits": "123456"},
        {"digits": "12345"},
        {"digits": 123456},
        {"digits": "12345\n"},
        {"token": ""},
        {"token": "x", "label": "a/b"},
        {"token": "x", "more": 1},
        None,
    ]
    for body in bodies:
        assert (await Browser(served).post("/join", body)).status_code == 422, body


async def test_a_page_of_another_origin_joins_nobody(served: Api) -> None:
    offer = await offer_in(served)
    answer = await Browser(served).post("/join", {"token": token_of(offer)}, Origin="http://evil.example")
    assert error(answer) == (403, "origin")
    await Browser(served).join(offer)


async def test_only_who_may_command_invites(served: Api) -> None:
    body = {"room": "room-1", "role": "display"}
    for role in ("observer", "display", "logger"):
        answer = await served.http.post("/join/offers", json=body, headers=served.give(role))
        assert error(answer) == (403, "role"), role


async def test_nobody_offers_more_than_it_has(served: Api) -> None:
    mine = served.give("therapist", "room-1")

    async def offered(**body: Any) -> httpx.Response:
        return await served.http.post("/join/offers", json=body, headers=mine)

    assert error(await offered(role="therapist", room="room-2")) == (403, "room")
    assert error(await offered(role="admin")) == (403, "role")
    assert error(await offered(role="admin", room="room-1")) == (403, "role")
    # All rooms of one who has one are that one.
    joined = await Browser(served).join((await offered(role="therapist")).json())
    assert joined["rooms"] == ["room-1"]
    # This computer's own token may: it is how its own screen is opened.
    assert (await Browser(served).join(await offer_in(served, "admin", None)))["rooms"] is None
    answer = await served.http.post("/join/offers", json={"role": "display", "room": "nowhere"})
    assert error(answer) == (404, "unknown")


async def test_an_offer_shows_its_link_its_digits_and_its_picture_to_the_asker(served: Api) -> None:
    offer = await offer_in(served)
    assert offer["url"].startswith(f"http://127.0.0.1:{served.port}/#join=")
    assert offer["urls"] == [offer["url"]]
    assert offer["reach"] == "computer"
    assert len(offer["digits"]) == 6
    assert offer["qr_svg"].startswith("<svg")
    left = datetime.fromisoformat(offer["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)


@pytest.mark.parametrize("by", ["link", "digits"])
async def test_an_offer_ends_with_the_token_that_made_it(served: Api, by: str) -> None:
    text, token = make_token("ann", "therapist", ("room-1",))
    served.store.put_token(token)
    asked = {"room": "room-1", "role": "therapist"}
    made = await served.http.post("/join/offers", json=asked, headers={"Authorization": f"Bearer {text}"})
    served.store.revoke_token(token.id)
    said = {"token": token_of(made.json())} if by == "link" else {"digits": made.json()["digits"]}
    assert error(await Browser(served).post("/join", said)) == (403, "offer")
    assert [one.label for one in served.store.tokens() if one.is_cookie] == []


async def test_an_offer_taken_by_nobody_s_page_is_not_spent(served: Api) -> None:
    """A request whose page is not said is refused where it brings a cookie, and costs the offer nothing."""
    browser = Browser(served)
    await browser.join(await offer_in(served))
    offer = await offer_in(served, room="room-2")
    answer = await browser.http.post("/join", json={"token": token_of(offer)})
    assert error(answer) == (403, "origin")
    assert (await browser.join(offer))["rooms"] == ["room-1", "room-2"]


async def test_an_offer_can_be_withdrawn(served: Api) -> None:
    offer = await offer_in(served)
    assert (await served.http.delete(f"/join/offers/{offer['id']}")).status_code == 204
    assert error(await Browser(served).post("/join", {"token": token_of(offer)})) == (403, "offer")


async def test_a_cookie_counts_only_for_what_a_page_of_ours_asks(served: Api) -> None:
    browser = Browser(served)
    await browser.join(await offer_in(served))
    # No browser leaves the origin out; a request that does was not made by a page of ours.
    for path in (START, STOP, "/leave"):
        assert error(await browser.http.post(path, json={})) == (403, "origin")
    assert served.hub.asked == []
    # A page without referrers may have the origin null; then the browser says whose it is.
    null = {"Origin": "null"}
    assert error(await browser.post(STOP, **null)) == (403, "origin")
    assert error(await browser.post(STOP, **null, **{"Sec-Fetch-Site": "cross-site"})) == (403, "origin")
    assert (await browser.post(STOP, **null, **{"Sec-Fetch-Site": "same-origin"})).status_code == 200
    # To look is safe: the answer is for our own pages alone anyhow.
    assert (await browser.get("/rooms/room-1")).status_code == 200
    assert (await browser.post(STOP)).status_code == 200


async def test_no_answer_is_kept_by_a_browser_or_drawn_into_a_page_elsewhere(served: Api) -> None:
    """A page at another port of this computer is the same site, so what it asks for brings the cookie."""
    browser = Browser(served)
    await browser.join(await offer_in(served))
    for answer in (
        await browser.get("/rooms"),
        await browser.get("/rooms/nowhere"),
        await browser.http.post("/clients/lookup", headers={"Origin": "https://elsewhere.example"}),
        await browser.post("/clients/lookup", {"code": "K-1"}),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    # A file of the screen has its own word on that.
    page = await browser.http.get(f"{browser.origin}/")
    assert page.headers.get_list("Cache-Control") == ["no-cache"]


async def test_a_header_wins_over_a_cookie(served: Api) -> None:
    browser = Browser(served)
    await browser.join(await offer_in(served, "display"))
    headers = served.give("therapist", "room-1", label="a script")
    assert (await browser.http.post(START, json={}, headers=headers)).status_code == 200
    assert served.hub.asked[-1][3] == "a script"


async def test_a_websocket_takes_the_cookie_by_itself_and_only_from_our_own_page(tmp_path: Path) -> None:
    async with api(tmp_path, "room-1", listening=True) as served:
        browser = Browser(served)
        await browser.join(await offer_in(served))
        (name,) = browser.http.cookies
        url = f"ws://127.0.0.1:{served.port}/api/v1/rooms/room-1/watch"

        def socket(**headers: str) -> connect:
            cookie = {"Cookie": f"{name}={browser.http.cookies[name]}"}
            return connect(url, additional_headers=cookie | headers, proxy=None)

        async with socket(Origin=browser.origin) as ours:
            assert '"room.snapshot"' in str(await ours.recv())
        async with socket() as strange:
            assert '"origin"' in str(await strange.recv())
            with pytest.raises(ConnectionClosed):
                await strange.recv()
        with pytest.raises(InvalidStatus) as caught:
            async with socket(Origin="http://evil.example"):
                pass
        assert caught.value.response.status_code == 403


async def test_a_browser_s_token_is_listed_and_revoked_and_may_stop_for_a_day(served: Api) -> None:
    browser = Browser(served)
    await browser.join(await offer_in(served), label="tablet")
    (listed,) = [one for one in (await served.http.get("/tokens")).json() if one["label"] == "tablet"]
    assert (listed["via"], listed["rooms"], listed["role"]) == ("cookie", ["room-1"], "therapist")
    (text,) = browser.http.cookies.values()
    assert text not in (await served.http.get("/tokens")).text
    assert (await served.http.delete(f"/tokens/{listed['id']}")).status_code == 200
    assert error(await browser.get("/me")) == (401, "token")
    assert error(await browser.post(START, {})) == (401, "token")
    assert (await browser.post(STOP)).status_code == 200


async def test_an_admin_s_browser_can_be_revoked_and_this_computer_s_token_cannot(served: Api) -> None:
    browser = Browser(served)
    await browser.join(await offer_in(served, "admin", None))
    tokens = (await served.http.get("/tokens")).json()
    by_via = {one["via"]: one["id"] for one in tokens if one["role"] == "admin"}
    assert error(await served.http.delete(f"/tokens/{by_via['bearer']}")) == (404, "unknown")
    assert (await served.http.delete(f"/tokens/{by_via['cookie']}")).status_code == 200
    assert error(await browser.get("/tokens")) == (401, "token")


async def test_leaving_ends_the_token_and_takes_the_cookie_away(served: Api) -> None:
    browser = Browser(served)
    await browser.join(await offer_in(served))
    (kept,) = browser.http.cookies.items()
    assert (await browser.post("/leave")).status_code == 204
    assert dict(browser.http.cookies) == {}
    browser.http.cookies.set(*kept)
    assert error(await browser.get("/me")) == (401, "token")
    answer = await served.http.post("/leave", headers=served.give("therapist"))
    assert error(answer) == (409, "bearer")


async def test_who_joined_and_by_whose_offer_is_in_the_journal(served: Api) -> None:
    ada = served.give("therapist", "room-1", label="Ada")
    offer = (
        await served.http.post("/join/offers", json={"room": "room-1", "role": "display"}, headers=ada)
    ).json()
    browser = Browser(served)
    await browser.join(offer, label="second screen")
    await browser.post("/leave")
    await served.journal.flushed()
    found = [
        (entry.type, entry.actor, entry.data)
        for entry in await served.journal.daemon_entries()
        if entry.type.startswith("token.")
    ]
    given, revoked = found
    assert given[:2] == ("token.given", "Ada")
    assert {"label": "second screen", "role": "display", "rooms": ["room-1"]}.items() <= given[2].items()
    assert revoked == ("token.revoked", "second screen", {"id": given[2]["id"]})


async def test_who_works_in_two_rooms_joins_the_second_beside_the_first(served: Api) -> None:
    browser = Browser(served)
    await browser.join(await offer_in(served, room="room-1"), label="Ada")
    joined = await browser.join(await offer_in(served, room="room-2"), label="Ada")
    assert (joined["rooms"], joined["label"]) == (["room-1", "room-2"], "Ada")
    # The token before is over: a browser is one line in the list.
    live = [one for one in (await served.http.get("/tokens")).json() if one["revoked_at"] is None]
    assert len([one for one in live if one["via"] == "cookie"]) == 1
    # As somebody else, it has what it was given and no more.
    assert (await browser.join(await offer_in(served, "display", "room-2")))["rooms"] == ["room-2"]


async def test_two_people_have_two_names(served: Api) -> None:
    labels = [
        (await Browser(served).join(await offer_in(served), label=said))["label"]
        for said in ("Ada", "ADA", "x" * 40, "x" * 40, "Button", "system", "This computer")
    ]
    assert labels[:4] == ["Ada", "ADA 2", "x" * 40, "x" * 36 + " 2"]
    # Nor does anybody stand in the record as what is no person.
    assert labels[4:] == ["Button 2", "system 2", "This computer 2"]
    assert (await Browser(served).join(await offer_in(served)))["label"] == "therapist"


async def test_an_offer_whose_token_cannot_be_kept_is_not_spent(
    served: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = await offer_in(served)

    def full(_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(served.store, "put_token", full)
        answer = await Browser(served).post("/join", {"token": token_of(offer)})
        assert error(answer) == (507, "storage")
        assert "set-cookie" not in answer.headers
    await Browser(served).join(offer)


async def test_wrong_links_wait_and_a_stop_and_a_right_link_do_not(
    served: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 100.0)
    offer = await offer_in(served)
    guessing = [
        asyncio.create_task(Browser(served).post("/join", {"token": f"wrong {n}"})) for n in range(32)
    ]
    try:
        async with asyncio.timeout(60):
            # One too many is told to come back; until all 32 wait, a guess would wait too.
            while error(await _within_a_moment(Browser(served).post("/join", {"token": "x"}))) != (
                429,
                "slower",
            ):
                pass
            await Browser(served).join(offer)
            assert (await served.http.post(STOP)).status_code == 200
            # Without any token nobody is guessing.
            assert error(await Browser(served).get("/me")) == (401, "token")
        assert not any(task.done() for task in guessing)
    finally:
        for task in guessing:
            task.cancel()
        await asyncio.gather(*guessing, return_exceptions=True)


async def _within_a_moment(asking: Any) -> httpx.Response:
    try:
        return await asyncio.wait_for(asking, 1.0)
    except TimeoutError:
        return httpx.Response(503, json={"error": {"code": "waits"}})


async def test_no_token_or_digits_reach_a_log(served: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    offer = await offer_in(served)
    browser = Browser(served)
    await browser.join(offer)
    await browser.post("/join", {"digits": "987654"})
    assert token_of(offer) not in caplog.text
    assert offer["digits"] not in caplog.text
    assert "987654" not in caplog.text
    assert not any(text in caplog.text for text in browser.http.cookies.values())


# -- how long a browser stays joined -----------------------------------------------------------------------


class Watched:
    """A gate with a clock to turn, and sessions to open."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder)
        self.now = datetime.now(UTC)
        self.open: dict[str, datetime] = {}
        self.gate = Gate(self.store, lambda: self.now, lambda: self.open)

    def join(self, *rooms: str, hours: float = 12) -> str:
        text, token = make_cookie(
            "tablet", "therapist", rooms or None, timedelta(hours=hours), self.now, notes=False
        )
        self.store.put_token(token)
        return f"Cookie {text}"

    def go(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def is_in(self, presented: str, room: str = "room-1") -> bool:
        try:
            await self.gate.admit(presented, frozenset({"therapist"}), room)
        except Refused:
            return False
        return True

    def may_stop(self, presented: str, room: str = "room-1") -> bool:
        try:
            self.gate.admit_stop(presented, room)
        except Refused:
            return False
        return True


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Watched]:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 0.0)
    opened = await asyncio.to_thread(Watched, tmp_path / "data")
    yield opened
    opened.store.close()


async def renewed(watched: Watched, presented: str) -> None:
    """Wait until what the request began is on the disk."""
    names = {"token: renewed"}
    while waiting := [task for task in asyncio.all_tasks() if task.get_name() in names]:
        await asyncio.gather(*waiting)


async def test_a_browser_that_is_used_stays_joined_and_one_that_is_not_does_not(watched: Watched) -> None:
    used, unused = watched.join("room-1"), watched.join("room-1")
    for _ in range(4):
        watched.go(hours=8)
        assert await watched.is_in(used)
        await renewed(watched, used)
    assert not await watched.is_in(unused)
    watched.go(hours=12)
    assert not await watched.is_in(used)
    assert watched.may_stop(used)
    watched.go(hours=24)
    assert not watched.may_stop(used)


async def test_its_life_is_written_now_and_then_and_not_for_every_request(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[str] = []
    renew = watched.store.renew_token

    def counted(digest: str, expires_at: datetime) -> None:
        writes.append(digest)
        renew(digest, expires_at)

    monkeypatch.setattr(watched.store, "renew_token", counted)
    browser = watched.join("room-1")
    for _ in range(60):
        watched.go(minutes=2)
        assert await watched.is_in(browser)
        await renewed(watched, browser)
    assert len(writes) == 1


async def test_in_an_open_session_nobody_is_thrown_out(watched: Watched) -> None:
    browser, elsewhere = watched.join("room-1"), watched.join("room-2")
    watched.go(hours=11)
    watched.open["room-1"] = watched.now
    watched.go(hours=5)
    assert not await watched.is_in(elsewhere, "room-2")
    assert await watched.is_in(browser)
    assert watched.may_stop(browser)


async def test_a_session_opened_later_lets_nobody_in_again(watched: Watched) -> None:
    browser = watched.join("room-1")
    watched.go(hours=13)
    watched.open["room-1"] = watched.now
    assert not await watched.is_in(browser)


async def test_revoked_is_revoked_in_an_open_session_too(watched: Watched) -> None:
    browser = watched.join("room-1")
    watched.open["room-1"] = watched.now
    (token,) = [token for token in watched.store.tokens() if token.is_cookie]
    watched.store.revoke_token(token.id)
    watched.go(minutes=5)
    assert not await watched.is_in(browser)


async def test_a_token_for_programs_ends_when_it_says(watched: Watched) -> None:
    text, token = make_token("script", "therapist", ("room-1",), timedelta(hours=1))
    watched.store.put_token(token)
    watched.open["room-1"] = watched.now
    assert await watched.is_in(f"Bearer {text}")
    watched.go(hours=2)
    assert not await watched.is_in(f"Bearer {text}")


async def test_a_browser_that_has_been_away_for_long_is_forgotten_after_its_grace(watched: Watched) -> None:
    watched.join("room-1")
    (token,) = [token for token in watched.store.tokens() if token.is_cookie]
    long_ago = replace(token, digest="0" * 64, expires_at=datetime.now(UTC) - timedelta(hours=25))
    watched.store.put_token(long_ago)
    watched.store.put_token(make_token("another", "observer")[1])
    assert watched.store.find_token(long_ago.digest) is None
    assert watched.store.find_token(token.digest) is not None


# -- links -------------------------------------------------------------------------------------------------


def test_the_link_leads_where_other_devices_get() -> None:
    served = ["192.168.1.20", "127.0.0.1"]
    assert links.base_urls(served, 8700, tls=True) == ["https://192.168.1.20:8700"]
    # By whatever name somebody has just come over the network, others get there as well.
    asked = links.base_urls(served, 8700, tls=True, asked_at="practice.local")
    assert asked == ["https://practice.local:8700", "https://192.168.1.20:8700"]
    assert links.base_urls(served, 8700, tls=True, asked_at="localhost") == ["https://192.168.1.20:8700"]
    assert links.base_urls(["127.0.0.1"], 8700, tls=True) == ["http://127.0.0.1:8700"]
    assert links.base_urls(served, 8700, tls=False) == ["http://192.168.1.20:8700"]


def test_the_picture_is_one_drawing_that_needs_no_style(tmp_path: Path) -> None:
    drawn = links.qr_svg(links.join_link("https://192.168.1.20:8700", "x" * 43))
    assert drawn.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "style" not in drawn
    assert "script" not in drawn
