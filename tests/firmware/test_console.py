"""The console: answers what is asked, and whatever comes, never more than an error object."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twintap_board.sources import protocol_dir

from .board import Board
from .pulser_parts import Settings, addressing, console

METHODS = (
    "info", "wifi", "wifi_forget", "scan", "pair", "identify", "trim", "selftest", "unpair", "reset",
)  # fmt: skip
FLASH = ("wifi", "wifi_forget", "pair", "trim", "unpair", "reset", "scan", "selftest")
CODES = {-32700, -32600, -32601, -32602, -32000}
KEY = "00112233445566778899aabbccddeeff"
PAIR = {"key": KEY, "daemon_id": "0102030405060708", "side": "right"}


class Port:
    """What settings and the console need of a port."""

    def __init__(self) -> None:
        self.stored = b""
        self.led: list[bytes] = []
        self.networks: list[tuple[str, str]] = []
        self.is_full = False
        self.found: list[tuple[bytes, int, int, bool]] = []
        self.slept_ms = 0

    def load(self) -> bytes:
        return self.stored

    def store(self, data: bytes) -> None:
        if self.is_full:
            raise OSError(28)
        self.stored = data

    def address(self) -> bytes:
        return bytes((10, 0, 0, 1, 0x21, 0xFC))

    def network_state(self) -> str:
        return "up"

    def set_networks(self, networks: list[tuple[str, str]]) -> None:
        self.networks = list(networks)

    def ssid(self) -> str:
        return self.networks[0][0] if self.networks else ""

    def rssi_dbm(self) -> int:
        return -61

    def boot_cause(self) -> int:
        return 5

    def crashes(self) -> int:
        return 0

    def flash_free(self) -> int:
        return 500_000

    def button_down(self) -> bool:
        return False

    def charging(self) -> bool:
        return False

    def motor_fault(self) -> str:
        return ""

    async def scan(self) -> list[tuple[bytes, int, int, bool]]:
        return self.found

    async def sleep_ms(self, ms: int) -> None:
        self.slept_ms += ms


def make_app(cap_pct: int = 80) -> Any:
    port = Port()
    app = SimpleNamespace(
        port=port,
        settings=Settings(port, cap_pct),
        board=SimpleNamespace(
            name="test",
            board_id="t",
            absolute_cap_pct=cap_pct,
            motor_driver="pwm",
            light_kind="led",
            charge=None,
        ),
        pacer=SimpleNamespace(
            set_id=0, charging=False, ended_set=0, late=0, latest_us=0, ceiling_bp=0, trim_bp=10_000
        ),
        power=SimpleNamespace(state=0, touch=lambda: app.touches.append(1)),
        battery=SimpleNamespace(state=2, mv=3450),
        light=SimpleNamespace(pattern="unpaired"),
        show_white=lambda ms: app.shown.append(ms),
        touches=[],
        shown=[],
        heap_free_bytes=100_000,
        uplink=SimpleNamespace(
            is_linked=False,
            links=0,
            refused=0,
            hellos=0,
            heard=0,
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
    unit = console.Console(app)
    text = unit.answer(line)
    return json.loads(text if text else asyncio.run(unit.late_answer()))


def test_info_tells_all_but_keys() -> None:
    app = make_app()
    ask(app, "pair", **PAIR, addresses=[["10.0.0.9", 8700]], room="Blue")
    ask(app, "wifi", ssid="net", password="a secret word")
    text = console.Console(app).answer(b'{"jsonrpc":"2.0","id":2,"method":"info"}')
    assert KEY not in text
    assert "secret" not in text
    info = json.loads(text)["result"]
    assert (info["side"], info["room"], info["daemon_id"]) == ("right", "Blue", "0102030405060708")
    assert (info["ceiling_pct"], info["absolute_cap_pct"], info["networks"]) == (60, 80, ["net"])


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


@pytest.mark.parametrize(
    "stored",
    [
        b"x",
        b"{}",
        b"[]",
        b'{"v":1}',
        b'{"v":2}',
        b'{"v":99}',
        b'{"v":true}',
        b'{"v":0}',
        b"\xff\xfe",
        b"null",
        b'{"v":1,"ssid":"a","password":"","ceiling_bp":1e999}',
    ],
)
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
    for method in FLASH:
        assert ask(app, method, **PAIR)["error"]["code"] == console.REFUSED
    assert not app.shown
    assert "result" in ask(app, "info")
    assert not app.is_reset_wanted


def test_networks_are_kept_newest_first_and_the_fourth_pushes_out_the_oldest() -> None:
    app = make_app()
    for ssid in ("a", "b", "c", "a", "d"):
        ask(app, "wifi", ssid=ssid, password="word of " + ssid)
    assert Settings(app.port, 80).networks == app.port.networks
    assert [ssid for ssid, _ in app.port.networks] == ["d", "a", "c"]
    assert ask(app, "wifi_forget", ssid="a")["result"]["networks"] == ["d", "c"]
    assert ask(app, "wifi_forget", ssid="a")["error"]["code"] == console.REFUSED
    assert [ssid for ssid, _ in Settings(app.port, 80).networks] == ["d", "c"]


def test_a_flash_that_refuses_leaves_everything_as_it_was_and_says_so() -> None:
    app = make_app()
    ask(app, "wifi", ssid="a", password="a word")
    app.port.is_full = True
    for method, params in (("wifi", {"ssid": "b", "password": ""}), ("wifi_forget", {"ssid": "a"})):
        assert "flash" in ask(app, method, **params)["error"]["message"]
        assert app.settings.networks == app.port.networks == [("a", "a word")]
    assert "flash" in ask(app, "trim", trim_pct=50)["error"]["message"]
    assert (app.settings.trim_bp, app.pacer.trim_bp) == (10_000, 10_000)


def test_a_scan_tells_the_strongest_of_each_name_and_no_name_that_is_no_text() -> None:
    app = make_app()
    app.port.found = [(b"weak", -80, 1, True), (b"\xff\xfe", -40, 1, True), (b"net", -70, 6, True),
                      (b"net", -50, 11, True), (b"", -30, 1, False), (b"guest", -60, 3, False)]  # fmt: skip
    told = ask(app, "scan")["result"]["networks"]
    assert [(one["ssid"], one["rssi_dbm"], one["is_secure"]) for one in told] == [
        ("net", -50, True),
        ("guest", -60, False),
        ("weak", -80, True),
    ]


def test_a_second_slow_request_is_refused_until_the_first_is_answered() -> None:
    unit = console.Console(make_app())
    ask_scan = b'{"jsonrpc":"2.0","id":%d,"method":"scan"}\n'
    answers = unit.feed(ask_scan % 1 + ask_scan % 2)
    assert [json.loads(answer)["id"] for answer in answers] == [2]
    assert json.loads(answers[0])["error"]["code"] == console.REFUSED
    assert json.loads(asyncio.run(unit.late_answer()))["id"] == 1
    assert unit.feed(ask_scan % 3) == []


def test_a_trim_is_kept_and_acts_at_once() -> None:
    app = make_app()
    assert ask(app, "trim", trim_pct=75)["result"] == {"trim_pct": 75}
    assert (app.pacer.trim_bp, Settings(app.port, 80).trim_bp) == (7_500, 7_500)
    for bad in (24, 101, True, 50.5, None):
        assert ask(app, "trim", trim_pct=bad)["error"]["code"] == console.BAD_PARAMS
    assert ask(app, "trim")["error"]["code"] == console.BAD_PARAMS
    ask(app, "unpair")
    assert Settings(app.port, 80).trim_bp == 7_500


def test_a_selftest_buzzes_only_if_asked_and_says_what_a_person_has_to_look_at() -> None:
    app = make_app()
    told = ask(app, "selftest")["result"]
    assert not app.buzzes
    assert app.shown == [1_000]
    assert app.port.slept_ms == 1_000
    assert (told["heap"]["ok"], told["light"]["ok"], told["battery"]["ok"]) == (True, None, False)
    assert all(set(line) == {"ok", "value", "say"} for line in told.values())
    ask(app, "selftest", buzz=True)
    assert app.buzzes == [(200, 10_000)]
    app.port.motor_fault = lambda: "no answer on the bus"
    assert ask(app, "selftest", buzz=True)["result"]["motor"] == {
        "ok": False,
        "value": "pwm",
        "say": "no answer on the bus",
    }
    assert len(app.buzzes) == 1


def test_a_board_that_cannot_feel_a_charger_does_not_say_that_there_is_none() -> None:
    app = make_app()
    assert ask(app, "selftest")["result"]["charging"]["value"] is None
    app.board.charge = object()
    assert ask(app, "selftest")["result"]["charging"]["value"] is False
    app.port.charging = lambda: True
    assert ask(app, "selftest")["result"]["charging"]["value"] is True


def test_every_line_wakes_and_ends_idleness() -> None:
    app = make_app()
    console.Console(app).feed(b'nonsense\n{"jsonrpc":"2.0","id":3,"method":"info"}\n\n')
    assert len(app.touches) == 2


V1 = {
    "v": 1, "key": KEY, "daemon_id": "0102030405060708", "side": 2, "colour": [1, 2, 3], "room": "Blue",
    "ceiling_bp": 3000, "addresses": [["10.0.0.9", 8700]], "ssid": "net", "password": "a word",
}  # fmt: skip


def test_settings_of_the_version_before_are_carried_over_whole() -> None:
    port = Port()
    port.stored = json.dumps(V1).encode()
    old = Settings(port, 80)
    assert old.is_paired
    assert (old.networks, old.trim_bp, old.ceiling_bp, old.side) == ([("net", "a word")], 10_000, 3000, 2)
    old.save()
    new = Settings(port, 80)
    assert vars(new) == vars(old)
    assert json.loads(port.stored)["v"] == 2
    port.stored = json.dumps(V1 | {"ssid": "", "password": ""}).encode()
    assert Settings(port, 80).networks == []


def test_settings_of_a_later_version_are_written_over_only_by_a_pairing() -> None:
    app = make_app()
    newer = json.dumps(V1 | {"v": 3}).encode()
    app.port.stored = newer
    app.settings = Settings(app.port, 80)
    assert (app.settings.is_damaged, app.settings.is_paired) == (True, False)
    assert ask(app, "info")["result"]["settings_damaged"] is True
    ask(app, "wifi", ssid="net", password="a word")
    ask(app, "trim", trim_pct=50)
    assert app.port.stored == newer
    ask(app, "pair", **PAIR)
    kept = Settings(app.port, 80)
    assert kept.is_paired
    assert (kept.networks, kept.trim_bp) == ([("net", "a word")], 5_000)


@pytest.mark.parametrize(
    "bad",
    [
        {"networks": [["a", "b"]] * 4},
        {"networks": [["", "b"]]},
        {"networks": [["x" * 33, "b"]]},
        {"networks": [["a", 7]]},
        {"networks": [["a"]]},
        {"networks": "ab"},
        {"trim_bp": 2_499},
        {"trim_bp": 10_001},
        {"addresses": [[7, 7]]},
    ],
)
def test_half_a_setting_is_none(bad: dict[str, Any]) -> None:
    port = Port()
    good = {name: value for name, value in V1.items() if name not in ("ssid", "password")}
    good |= {"v": 2, "networks": [["net", "a word"]], "trim_bp": 9_000}
    port.stored = json.dumps(good).encode()
    assert Settings(port, 80).is_paired
    port.stored = json.dumps(good | bad).encode()
    damaged = Settings(port, 80)
    assert damaged.is_damaged
    assert (damaged.is_paired, damaged.networks, damaged.trim_bp) == (False, [], 10_000)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("pair", PAIR | {"key": "ff" * 16, "side": "right", "room": "Other", "ceiling_pct": 80}),
        ("unpair", {}),
        ("trim", {"trim_pct": 30}),
        ("wifi", {"ssid": "other", "password": "long enough"}),
        ("wifi_forget", {"ssid": "net"}),
    ],
)
def test_what_the_flash_refuses_has_never_been(method: str, params: dict[str, Any]) -> None:
    app = make_app()
    ask(app, "wifi", ssid="net", password="a word")
    ask(app, "pair", **PAIR, ceiling_pct=40)
    before, stored = dict(vars(app.settings)), app.port.stored

    def refuse(data: bytes) -> None:
        raise OSError(28)

    app.port.store = refuse
    assert "flash" in ask(app, method, **params)["error"]["message"]
    assert app.settings.is_unwritable
    assert vars(app.settings) | {"is_unwritable": False} == before
    assert app.port.stored == stored


def spec_table(heading: str, head: str) -> list[str]:
    """The first cells of SPEC.md's table under `heading` whose head begins with `head`, without ticks."""
    text = (protocol_dir() / "SPEC.md").read_text().split(f"{heading}\n", 1)[1]
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {head} |"):
            break
    next(lines)
    out: list[str] = []
    for line in lines:
        if not line.startswith("|"):
            break
        out.append(line.split("|")[1].strip().strip("`"))
    return out


def test_the_specification_has_these_methods_and_these_words_for_a_network() -> None:
    assert sorted(spec_table("## 15. The serial console", "method")) == sorted(METHODS)
    assert spec_table("### 21.1 What `network` says", "network") == list(addressing.NETWORK_STATES)
    app = make_app()
    error = ask(app, "no such")["error"]
    assert all(method in error["message"] for method in METHODS)


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
                    "password",
                    "trim_pct",
                    "buzz",
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
    unit = console.Console(app)
    answers = unit.feed(line.replace(b"\n", b" ") + b"\n")
    late = asyncio.run(unit.late_answer())
    for answer in [*answers, late] if late else answers:
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
    async with make_board("--heap", str(224 * 1024)) as board:
        first = await board.info()
        for piece in hostile:
            board.write(piece)
        info = await board.info()
        assert info["uptime_ms"] > first["uptime_ms"]  # the same run of the firmware
        assert info["daemon_id"] is None
        assert not board.rows()
