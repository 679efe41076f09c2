"""The screen's files: whole, as they are, light, and under a policy that lets nothing else in."""

import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from twintap.api import page
from twintap.api.faults import add_handlers
from twintap.api.page import SCREEN

JS = SCREEN / "js"
_STATIC_IMPORT = re.compile(r'^(?:import|export)\b[^;]*?from "\./(\w+)\.js";', re.MULTILINE)
_DYNAMIC_IMPORT = re.compile(r'import\("\./(\w+)\.js"\)')
# t("key") and tn("key", n) with a key that stands there whole.
_WORD = re.compile(r'(?<![\w.])(tn?|count)\("([a-z_]+\.[\w.]+)"')
# What would read a text as markup or as code.
_MARKUP = re.compile(r"\b(?:innerHTML|outerHTML|insertAdjacentHTML)\b|document\.write|\beval\(")
_WEIGHT_MAX = 150 * 1024


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    add_handlers(app)
    app.include_router(page.router)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as client:
        yield client


def modules() -> list[str]:
    return sorted(path.stem for path in JS.glob("*.js"))


def closure(*roots: str) -> set[str]:
    """The modules that are fetched with `roots`, before anything can be shown."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _STATIC_IMPORT.findall((JS / f"{name}.js").read_text("utf-8"))
    return found


async def test_every_file_is_served_as_it_lies_in_its_folder(http: httpx.AsyncClient) -> None:
    names = [path.relative_to(SCREEN).as_posix() for path in SCREEN.rglob("*") if path.is_file()]
    assert "index.html" in names
    for name in names:
        answer = await http.get(f"/ui/{name}")
        assert answer.status_code == 200, name
        assert answer.content == (SCREEN / name).read_bytes(), name
        assert not answer.headers["content-type"].startswith("application/octet-stream")
    front = await http.get("/")
    assert front.content == (SCREEN / "index.html").read_bytes()
    assert front.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/ui/",
        "/ui/js",
        "/ui/js/nothing.js",
        "/ui/../api/page.py",
        "/ui/%2e%2e/api/page.py",
        "/ui//etc/passwd",
        "/ui/js/%00.js",
    ],
)
async def test_nothing_else_is_served(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown"


async def test_a_page_lets_nothing_in_but_its_own_files(http: httpx.AsyncClient) -> None:
    answer = await http.get("/")
    policy = {
        part.split(" ")[0]: part.split(" ")[1:]
        for part in answer.headers["content-security-policy"].split("; ")
    }
    assert policy["default-src"] == ["'none'"]
    for kind in ("script-src", "style-src", "manifest-src"):
        assert policy[kind] == ["'self'"]
    # Older Safari counts no WebSocket as the page's own.
    assert policy["connect-src"] == ["'self'", "ws://127.0.0.1:8700", "wss://127.0.0.1:8700"]
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["a b", "x;script-src *", "x\tscript-src *", "'none'", ""])
def test_a_host_that_is_none_gets_no_place_in_the_policy(host: str) -> None:
    text = page.policy(host)["Content-Security-Policy"]
    assert "connect-src 'self'; " in text
    assert "*" not in text


async def test_what_a_browser_has_is_not_sent_again_and_never_used_unasked(http: httpx.AsyncClient) -> None:
    first = await http.get("/ui/js/app.js")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    again = await http.get("/ui/js/app.js", headers={"If-None-Match": f'W/"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert "content-security-policy" in again.headers
    other = await http.get("/ui/js/app.js", headers={"If-None-Match": 'W/"other"'})
    assert other.status_code == 200


async def test_text_is_packed_for_whoever_takes_it_so(http: httpx.AsyncClient) -> None:
    async def sent(accepted: str) -> tuple[str | None, bytes]:
        request = http.build_request("GET", "/ui/text.en.json", headers={"Accept-Encoding": accepted})
        answer = await http.send(request, stream=True)
        body = b"".join([part async for part in answer.aiter_raw()])
        await answer.aclose()
        assert answer.headers["vary"] == "Accept-Encoding"
        return answer.headers.get("content-encoding"), body

    whole = (SCREEN / "text.en.json").read_bytes()
    encoding, packed = await sent("br;q=1.0, gzip;q=0.8")
    assert encoding == "gzip"
    assert len(packed) < len(whole) / 2
    assert gzip.decompress(packed) == whole
    assert await sent("identity") == (None, whole)
    assert await sent("gzip;q=0") == (None, whole)


async def test_head_tells_what_get_would(http: httpx.AsyncClient) -> None:
    answer = await http.head("/")
    assert answer.status_code == 200
    assert "content-security-policy" in answer.headers


def test_the_work_view_s_modules_are_fetched_ahead_and_no_others() -> None:
    index = (SCREEN / "index.html").read_text("utf-8")
    ahead = re.findall(r'<link rel="modulepreload" href="/ui/js/(\w+)\.js">', index)
    assert len(ahead) == len(set(ahead))
    assert set(ahead) | {"app"} == closure("app", "work")


def test_the_work_view_weighs_no_more_than_it_may() -> None:
    names = ["index.html", "icon.svg", "text.en.json", "css/base.css", "css/work.css"]
    names += [f"js/{name}.js" for name in closure("app", "work")]
    held = page.assets()
    weight = sum(len(held[name].packed or held[name].body) for name in names)
    assert weight <= _WEIGHT_MAX


def test_every_module_that_is_imported_is_there() -> None:
    known = set(modules())
    for name in modules():
        text = (JS / f"{name}.js").read_text("utf-8")
        wanted = {*_STATIC_IMPORT.findall(text), *_DYNAMIC_IMPORT.findall(text)}
        assert wanted <= known, name


def test_no_script_is_written_into_a_page_and_no_page_names_another_host() -> None:
    for path in [*SCREEN.rglob("*.html"), *SCREEN.rglob("*.js"), *SCREEN.rglob("*.css")]:
        text = path.read_text("utf-8")
        # The name of a kind of drawing is no address that is fetched.
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w{2,}", _without_comments(path, text)))
        assert addresses <= {"http://www.w3.org"}, path.name
        if path.suffix == ".html":
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), path.name
        if path.suffix == ".js":
            assert not _MARKUP.search(text), path.name
            assert not re.search(r"\b(?:alert|confirm|prompt)\((?!\))", _without_own(text)), path.name


def _without_comments(path: Path, text: str) -> str:
    return re.sub(r"(?m)(?:^|\s)//.*$", "", text) if path.suffix == ".js" else text


def _without_own(text: str) -> str:
    # A function of ours may bear such a name; the browser's own block the page, and with it a stop.
    own = set(re.findall(r"function (alert|confirm|prompt)\(", text))
    for name in own:
        text = re.sub(rf"(?<!window\.)\b{name}\(", "", text)
    return text


def test_every_word_that_a_module_asks_for_stands_in_the_one_file() -> None:
    words = json.loads((SCREEN / "text.en.json").read_text("utf-8"))
    missing: list[str] = []
    for name in modules():
        for how, key in _WORD.findall((JS / f"{name}.js").read_text("utf-8")):
            keys = [key] if how == "t" else [f"{key}.one", f"{key}.other"]
            missing += [f"{name}.js: {one}" for one in keys if one not in words]
    assert missing == []


def test_the_words_are_in_order_and_each_once() -> None:
    def unique(pairs: list[tuple[str, str]]) -> dict[str, str]:
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys))
        return dict(pairs)

    words = json.loads((SCREEN / "text.en.json").read_text("utf-8"), object_pairs_hook=unique)
    assert list(words) == sorted(words)
    assert all(isinstance(text, str) and text.strip() == text != "" for text in words.values())
