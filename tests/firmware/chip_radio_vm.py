"""Runs in the MicroPython VM: the chip's Wi-Fi over a stand-in for its station. Prints `ok` or dies."""

import asyncio
import time

from chip_stand_ins import WLAN, Air, network

from twintap_pulser import chip_radio
from twintap_pulser.addressing import NETWORK_STATES, NO_ADDRESS, pack_address

# The same waits, a hundred times shorter.
chip_radio._LOOK_MS = 5
chip_radio._RETRY_MS = 50
chip_radio._JOIN_MS = 300
chip_radio._SCAN_STEP_MS = 1


class Bench:
    """A radio that runs."""

    def __init__(self):
        self.moves = 0
        self.busy = False
        self.radio = chip_radio.Radio(lambda: time.ticks_ms() & 0x3FFFFFFF, self.is_busy, self.moved, 8701)
        self.wlan = self.radio._wlan
        self.radio.begin("twintap-test")
        self.task = asyncio.create_task(self.radio.run())

    def is_busy(self):
        return self.busy

    def moved(self):
        self.moves += 1

    async def until(self, state):
        for _ in range(2_000):
            if self.radio.state() == state:
                return
            await asyncio.sleep_ms(2)
        raise AssertionError(self.radio.state() + ", not " + state)

    async def asked(self, count):
        for _ in range(2_000):
            if len(self.wlan.asked) >= count:
                return
            await asyncio.sleep_ms(2)
        raise AssertionError(repr(self.wlan.asked))

    def end(self):
        self.task.cancel()


async def joins_and_tells_where_it_is():
    Air.networks = {"a": ("pw", -60, "")}
    bench = Bench()
    assert bench.radio.state() == "no network set"
    bench.radio.set_networks([("a", "pw")])
    await bench.until("up")
    assert bench.wlan.configured["reconnects"] == 1
    assert bench.wlan.scans == 0  # with one network there is nothing to choose
    assert (bench.radio.ssid(), bench.radio.rssi_dbm()) == ("a", -60)
    assert bench.radio.address() == pack_address("127.0.0.1", 8701)
    assert bench.moves == 1
    bench.wlan.host = "10.0.0.7"  # the lease of an address ends
    for _ in range(500):
        if bench.moves == 2:
            break
        await asyncio.sleep_ms(2)
    assert bench.radio.address() == pack_address("10.0.0.7", 8701)
    bench.end()


async def says_what_is_wrong():
    for password, trouble, expected in (
        ("other", "", "wrong password"),
        ("pw", "nodhcp", "no address"),
        ("pw", "full", "refused"),
        ("pw", "slow", "not found"),
        (None, "", "not found"),
    ):
        Air.networks = {} if password is None else {"a": (password, -60, trouble)}
        bench = Bench()
        bench.radio.set_networks([("a", "pw")])
        assert bench.radio.state() in ("connecting", expected)
        await bench.until(expected)
        assert expected in NETWORK_STATES
        assert bench.radio.address() == NO_ADDRESS
        assert bench.radio.ssid() == ""
        # It goes on trying, and still says what is wrong meanwhile.
        await bench.asked(3)
        assert bench.radio.state() == expected
        # It is mended: joined without anybody's doing.
        Air.networks = {"a": ("pw", -60, "")}
        await bench.until("up")
        bench.end()


async def takes_the_strongest_that_it_knows():
    Air.networks = {"weak": ("1", -80, ""), "strong": ("2", -40, ""), "alien": ("3", -20, "")}
    known = [("gone", "0"), ("weak", "1"), ("strong", "2")]
    bench = Bench()
    bench.radio.set_networks(known)
    await bench.until("up")
    # As they were given, for a new network is to be tried at once.
    assert bench.wlan.asked == ["gone", "weak"], bench.wlan.asked
    assert bench.radio.ssid() == "weak"
    Air.networks["weak"] = ("changed", -80, "")
    del Air.networks["strong"]
    bench.wlan.lose()
    # All fail; from here on it looks around first.
    await bench.until("wrong password")
    assert bench.wlan.scans
    Air.networks = {"weak": ("1", -80, ""), "strong": ("2", -40, ""), "alien": ("3", -20, "")}
    await bench.until("up")
    assert bench.radio.ssid() == "strong"
    bench.end()


async def finds_a_hidden_one_too():
    Air.networks = {"hidden": ("1", -50, "hidden")}
    bench = Bench()
    bench.radio.set_networks([("gone", "0"), ("hidden", "1")])
    await bench.until("up")
    bench.wlan.lose()
    await bench.until("connecting")
    await bench.until("up")
    assert bench.radio.ssid() == "hidden"
    bench.end()


async def comes_back_at_once_to_what_it_lost():
    Air.networks = {"a": ("pw", -60, ""), "b": ("pw", -50, "")}
    bench = Bench()
    bench.radio.set_networks([("a", "pw"), ("b", "pw")])
    await bench.until("up")
    # The chip itself joins again before anybody has asked.
    bench.wlan.lose(network.STAT_CONNECTING)
    await bench.until("connecting")
    bench.wlan.associated = "a"
    bench.wlan.state = network.STAT_GOT_IP
    await bench.until("up")
    assert bench.wlan.asked == ["a"]
    assert bench.radio.ssid() == "a"
    # The access point is gone: the other one takes it.
    del Air.networks["a"]
    bench.wlan.lose()
    await bench.until("connecting")
    await bench.until("up")
    assert bench.radio.ssid() == "b"
    bench.end()


async def keeps_to_what_it_is_on_and_leaves_what_was_forgotten():
    Air.networks = {"a": ("pw", -60, ""), "b": ("pw", -50, "")}
    bench = Bench()
    bench.radio.set_networks([("a", "pw")])
    await bench.until("up")
    bench.radio.set_networks([("b", "pw"), ("a", "pw")])
    await asyncio.sleep_ms(30)
    assert bench.wlan.asked == ["a"]
    assert bench.radio.ssid() == "a"
    bench.radio.set_networks([("b", "pw")])
    await bench.until("up")
    assert bench.radio.ssid() == "b"
    bench.radio.set_networks([])
    assert bench.radio.state() == "no network set"
    assert not bench.wlan.isconnected()
    assert bench.radio.address() == NO_ADDRESS
    bench.end()


async def a_chip_that_is_busy_is_asked_again():
    Air.networks = {"a": ("pw", -60, "")}
    bench = Bench()
    bench.wlan.refuse_next = True
    bench.radio.set_networks([("a", "pw")])
    assert bench.radio.state() == "connecting"
    await bench.until("up")
    assert bench.wlan.asked == ["a", "a"]
    bench.end()


async def a_chip_that_is_always_busy_is_a_refusal():
    class Busy(WLAN):
        def connect(self, ssid, password):
            raise OSError("Wifi Internal Error")

    network.WLAN = Busy
    bench = Bench()
    network.WLAN = WLAN
    bench.radio.set_networks([("a", "pw")])
    await bench.until("refused")
    bench.end()


async def what_an_earlier_life_joined_is_left():
    Air.networks = {"a": ("pw", -60, ""), "b": ("pw", -50, "")}
    bench = Bench()
    bench.wlan.connect("b", "pw")  # a soft reset leaves the station as it was
    bench.radio.set_networks([("a", "pw")])
    await bench.until("up")
    assert bench.radio.ssid() == "a"
    bench.end()


async def begins_nothing_in_a_set():
    Air.networks = {"a": ("pw", -60, ""), "b": ("pw", -50, "")}
    bench = Bench()
    bench.radio.set_networks([("a", "pw"), ("b", "pw")])
    await bench.until("up")
    bench.busy = True
    Air.networks = {}
    bench.wlan.lose()
    await bench.until("connecting")
    await asyncio.sleep_ms(200)
    assert bench.wlan.asked == ["a"], bench.wlan.asked
    assert bench.wlan.scans == 0
    bench.busy = False
    await bench.asked(2)
    bench.end()


async def scans_beside_all_else():
    Air.networks = {"loud": ("pw", -30, ""), "open": ("", -70, ""), "slow": ("pw", -50, "slow")}
    bench = Bench()
    turns = 0
    slow_scan = bench.wlan.scan

    def scan():
        time.sleep_ms(60)
        return slow_scan()

    bench.wlan.scan = scan
    # A station that is joining refuses to scan: the attempt is given up for it, and begun anew.
    bench.radio.set_networks([("slow", "pw")])
    task = asyncio.create_task(bench.radio.scan())
    while not task.done():
        turns += 1
        await asyncio.sleep_ms(1)
    found = await task
    assert turns > 10, turns  # the event loop, which feeds the watchdog, went on
    assert found == [(b"loud", -30, 6, True), (b"slow", -50, 6, True), (b"open", -70, 6, False)], found
    await bench.asked(1)
    task = asyncio.create_task(bench.radio.scan())
    await task
    await bench.asked(2)
    assert bench.wlan.asked == ["slow", "slow"]
    bench.radio.set_networks([("loud", "pw")])
    await bench.until("up")
    assert len(await bench.radio.scan()) == 3
    assert bench.radio.state() == "up"
    for refusal in ("busy", "off", "twice", "refused"):
        Air.is_scan_failing = refusal == "refused"
        bench.busy = refusal == "busy"
        bench.wlan.active(refusal != "off")
        bench.radio._is_scanning = refusal == "twice"
        was_refused = False
        try:
            await bench.radio.scan()
        except OSError:
            was_refused = True
        assert was_refused, refusal
        bench.wlan.active(True)
        bench.busy = bench.radio._is_scanning = Air.is_scan_failing = False
    bench.end()


async def uses_the_chip_s_own_dns_sd_where_a_build_has_it():
    services = []
    network.mdns_service = lambda kind, transport, port: services.append((kind, transport, port))
    Air.networks = {"a": ("pw", -60, "")}
    bench = Bench()
    bench.radio.set_networks([("a", "pw")])
    assert services == []  # the responder runs only once there is an address
    await bench.until("up")
    bench.wlan.lose()
    await bench.until("connecting")
    await bench.until("up")
    assert services == [("_twintap-pulser", "_udp", 8701)]
    bench.end()
    network.mdns_service = lambda: None  # a build whose function is another
    bench = Bench()
    bench.radio.set_networks([("a", "pw")])
    await bench.until("up")
    await asyncio.sleep_ms(30)
    assert not bench.task.done()
    del network.mdns_service
    bench.end()


async def main():
    for case in (
        joins_and_tells_where_it_is,
        says_what_is_wrong,
        takes_the_strongest_that_it_knows,
        finds_a_hidden_one_too,
        comes_back_at_once_to_what_it_lost,
        keeps_to_what_it_is_on_and_leaves_what_was_forgotten,
        a_chip_that_is_busy_is_asked_again,
        a_chip_that_is_always_busy_is_a_refusal,
        what_an_earlier_life_joined_is_left,
        begins_nothing_in_a_set,
        scans_beside_all_else,
        uses_the_chip_s_own_dns_sd_where_a_build_has_it,
    ):
        print(case.__name__)
        await case()


assert WLAN.PM_NONE == 0
asyncio.run(main())
print("ok")
