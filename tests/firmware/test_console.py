"""The console: answers what is asked, and whatever comes, never more than an error object."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from .board import Board
from .pulser_parts import Settings, console

METHODS = ("info", "wifi", "pair", "identify", "unpair", "reset")
CODES = {-32700, -32600, -32601, -32602, -32000}
KEY = "00112233445566778899aabbccddeeff"
PAIR = {"key": KEY, "daemon_id": "0102030405060708", "side": "right"}


class Port:
    """What settings and the console need of a port."""

    def __init__(self) -> None:
        self.stored = b""
        self.led: list[bytes] = []

    def load(self) -> bytes:
        return self.stored

    def store(self, data: bytes) -> None:
        self.stored = data

    def address(self) -> bytes:
        return bytes((10, 0, 0, 1, 0x21, 0xFC))

    def network_state(self) -> str:
        return "up"

    def battery_mv(self) -> int:
        return 3900

    def heap_free(self) -> int:
        return 100_000

    def set_wifi(self, ssid: str, password: str) -> None:
        self.wifi = (ssid, password)


def make_app(cap_pct: int = 80) -> Any:
    port = Port()
    app = SimpleNamespace(
        port=port,
        settings=Settings(port, cap_pct),
        board=SimpleNamespace(name="test", absolute_cap_pct=cap_pct),
        pacer=SimpleNamespace(set_id=0, charging=False, ended_set=0, late=0, latest_us=0),
        uplink=SimpleNamespace(
            is_linked=False,
            links=0,
            refused=0,
            dropped={},
            identify=lambda ms, bp: app.buzzes.append((ms, bp)) or True,
        ),
        motor=SimpleNamespace(presses=0),
        announcer=SimpleNamespace(goodbye=lambda: None),
        pulser_id=bytes(8),
        hostname="twintap-000000",
        uptime_ms=lambda: 5,
        is_reset_wanted=False,
        buzzes=[],
        changes=[],
    )
    app.settings_changed = lambda: app.changes.append(1)
    return app


def ask(app: Any, method: str, **params: Any) -> dict[str, Any]:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    return json.loads(console.Console(app).answer(line))


def test_info_tells_all_but_keys() -> None:
    app = make_app()
    ask(app, "pair", **PAIR, addresses=[["10.0.0.9", 8700]], room="Blue")
    ask(app, "wifi", ssid="net", password="a secret word")
    text = console.Console(app).answer(b'{"jsonrpc":"2.0","id":2,"method":"info"}')
    assert KEY not in text
    assert "secret" not in text
    info = json.loads(text)["result"]
    assert (info["side"], info["room"], info["daemon_id"]) == ("right", "Blue", "0102030405060708")
    assert (info["ceiling_pct"], info["absolute_cap_pct"], info["ssid"]) == (60, 80, "net")


def test_pairing_is_kept_and_unpairing_does_not_lift_the_ceiling() -> None:
    app = make_app()
    assert (
        ask(app, "pair", **PAIR, ceiling_pct=30, addresses=[["10.0.0.9", 8700]])["result"]["ceiling_pct"]
        == 30
    )
    kept = Settings(app.port, 80)
    assert kept.is_paired
    assert (kept.key.hex(), kept.ceiling_bp, kept.side) == (KEY, 3000, 2)
    assert kept.addresses == [bytes((10, 0, 0, 9, 0x21, 0xFC))]
    ask(app, "unpair")
    bare = Settings(app.port, 80)
    assert not bare.is_paired
    assert (bare.ceiling_bp, bare.side, bare.addresses) == (3000, 0, [])
    assert len(app.changes) == 2


def test_a_board_s_cap_holds_whatever_was_stored() -> None:
    app = make_app(100)
    ask(app, "pair", **PAIR, ceiling_pct=100)
    assert Settings(app.port, 40).ceiling_bp == 4000


@pytest.mark.parametrize("stored", [b"x", b"{}", b"[]", b'{"v":1}', b'{"v":2}', b"\xff\xfe", b"null"])
def test_damaged_settings_leave_an_unpaired_pulser_that_says_so(stored: bytes) -> None:
    port = Port()
    port.stored = stored
    settings = Settings(port, 80)
    assert settings.is_damaged
    assert not settings.is_paired
    assert settings.ceiling_bp == 6000


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"key": "00"}, "key"),
        ({"key": "zz" * 16}, "key"),
        ({"key": 7}, "key"),
        ({"daemon_id": "01"}, "daemon_id"),
        ({"side": "both"}, "side"),
        ({"side": None}, "side"),
        ({"ceiling_pct": 81}, "ceiling_pct"),
        ({"ceiling_pct": 0}, "ceiling_pct"),
        ({"ceiling_pct": True}, "ceiling_pct"),
        ({"ceiling_pct": 50.5}, "ceiling_pct"),
        ({"addresses": [["10.0.0.300", 1]]}, "addresses"),
        ({"addresses": [["10.0.0.3", 0]]}, "addresses"),
        ({"addresses": [["10.0.0.3"]]}, "addresses"),
        ({"addresses": [["1.1.1.1", 1]] * 5}, "addresses"),
        ({"room": "x" * 65}, "room"),
        ({"colour": [1, 2, 256]}, "colour"),
    ],
)
def test_a_bad_parameter_is_named_and_changes_nothing(params: dict[str, Any], names: str) -> None:
    app = make_app()
    error = ask(app, "pair", **(PAIR | params))["error"]
    assert error["code"] == console.BAD_PARAMS
    assert names in error["message"]
    assert "zz" not in error["message"]
    assert not app.settings.is_paired
    assert not app.port.stored


def test_in_a_set_only_what_leaves_the_flash_alone_is_done() -> None:
    app = make_app()
    app.pacer.set_id = 4
    for method in ("wifi", "pair", "unpair", "reset"):
        assert ask(app, method, **PAIR)["error"]["code"] == console.REFUSED
    assert "result" in ask(app, "info")
    assert not app.is_reset_wanted


def test_a_notification_gets_no_answer() -> None:
    app = make_app()
    unit = console.Console(app)
    assert unit.answer(b'{"jsonrpc":"2.0","method":"identify"}') == ""
    assert unit.answer(b'{"jsonrpc":"2.0","method":"no such"}') == ""
    assert app.buzzes == [(400, 10_000)]


def test_a_line_too_long_is_thrown_away_up_to_its_end() -> None:
    app = make_app()
    unit = console.Console(app)
    answers = unit.feed(b"x" * 5_000 + b"\n" + b'{"jsonrpc":"2.0","id":3,"method":"info"}\r\n')
    assert [json.loads(answer).get("id") for answer in answers] == [None, 3]
    assert json.loads(answers[0])["error"]["code"] == console.NOT_A_REQUEST


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | json_values,
        "id": st.integers() | json_values,
        "method": st.sampled_from(METHODS) | json_values,
        "params": st.fixed_dictionaries(
            {},
            optional={
                name: json_values | st.sampled_from(["left", KEY, "0102030405060708", 10])
                for name in (
                    "key",
                    "daemon_id",
                    "side",
                    "ceiling_pct",
                    "addresses",
                    "room",
                    "colour",
                    "ms",
                    "ssid",
                )
            },
        )
        | json_values,
    },
).map(lambda request: json.dumps(request).encode())


@given(st.binary(max_size=200) | requests)
@example(b'{"jsonrpc":"2.0","id":1,"method":"pair","params":{"addresses":[["\\u0661.1.1.1",1]]}}')
@example(b"[" * 900)
@example(b'"\xff\xfe"')
@example(b'{"jsonrpc":"2.0","id":1e999,"method":"info"}')
def test_whatever_comes_is_answered_by_one_object_or_by_nothing(line: bytes) -> None:
    app = make_app()
    for answer in console.Console(app).feed(line.replace(b"\n", b" ") + b"\n"):
        told = json.loads(answer)
        assert told["jsonrpc"] == "2.0"
        assert ("result" in told) != ("error" in told)
        if "error" in told:
            assert told["error"]["code"] in CODES
    assert all(20 <= ms <= 1000 and 100 <= bp <= 10_000 for ms, bp in app.buzzes)


async def test_the_real_console_outlives_hostile_input(make_board: Any) -> None:
    hostile = [
        b"\x00\xff\xfe\n",
        b"{" * 1000 + b"\n",
        b"[" * 1000 + b"]" * 20 + b"\n",
        b"x" * 6_000 + b"\n",
        b"\n\r\n \n",
        b'{"jsonrpc":"2.0","id":1,"method":"pair","params":{"key":[]}}' + b"\n",
        b"1e999\n",
        b'"\\ud800"\n',
        b"{1:2}\n",
        b'{"jsonrpc":"2.0","id":[1],"method":"info"}' + b"\n",
        b'{"jsonrpc":"2.0","id":1,"method":"\\u0000"}' + b"\n",
        b'{"jsonrpc":"2.0","id":99999999999999999999999999,"method":"info","params":[]}' + b"\n",
        b"\x1b[A\x04\n",
        b'{"jsonrpc":"2.0","id":1,"method":"identify","params":{"ms":1e3,"level_pct":-1}}' + b"\n",
        b'{"id":"\xff"}' + b"\n",
    ]
    board: Board
    async with make_board("--heap", str(192 * 1024)) as board:
        first = await board.info()
        for piece in hostile:
            board.write(piece)
        info = await board.info()
        assert info["uptime_ms"] > first["uptime_ms"]  # the same run of the firmware
        assert info["daemon_id"] is None
        assert not board.rows()
