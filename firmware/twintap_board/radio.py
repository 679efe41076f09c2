"""The radio: moves the VM's datagrams through the air, and lets each go on time.

Datagrams leave within 0.1 ms of the time that the air gave them: the wait ends a little early, and the rest
is spun away. Everything is bounded; what does not fit is dropped and counted, as an access point does.
"""

import gc
import heapq
import random
import select
import signal
import socket
import sys
from collections import Counter, deque
from typing import Any, Literal

from . import wire
from .air import Lane, model_named
from .channel import Answerer
from .errors import BoardError
from .hostos import die_with_parent, monotonic_ns
from .networks import NOT_FOUND, Network, Room

# How long before a release the wait ends and spinning begins. Measured in a virtual machine, the kernel wakes
# 70 µs late at p50 and 230 at p99.
_SPIN_NS = 250_000
# A stall of 120 ms under a flood of 5,000 a second holds 600.
_UNDER_WAY_MAX = 1024
_LATENESSES_KEPT = 4096
_ROUTE_PORT = 9
_DATAGRAM_MAX = 2048

Way = Literal["out", "in"]
Address = tuple[str, int]


class Radio:
    """One board's radio: a socket to the VM, a socket to the world, and the air between."""

    def __init__(self, control: Answerer, model: str, seed: str) -> None:
        """Take the launcher's channel, the air's name and the seed of its chance."""
        air = model_named(model)
        self._control = control
        self._lanes = {
            way: Lane(air, random.Random(f"{seed}/{way}"))  # noqa: S311 - chance, not secrecy
            for way in ("out", "in")
        }
        self._under_way: list[tuple[int, int, Way, Address, bytes]] = []
        self._waiting = {"out": 0, "in": 0}
        self._order = 0
        self._vm: socket.socket | None = None
        self._vm_address: Address | None = None
        self._outside: socket.socket | None = None
        self._address: Address = ("0.0.0.0", 0)
        self._lead = "127.0.0.1"
        self._moved = False
        self._link_up = True
        self._cut = False
        self._room = Room()
        self._is_saving = False
        self._scan_due_ns = 0  # 0: nobody has asked
        self._late_ns: deque[int] = deque(maxlen=_LATENESSES_KEPT)
        self.counts: Counter[str] = Counter()
        self._follow_lead()

    def run(self) -> None:
        """Serve until the launcher is gone."""
        while True:
            for ready in self._wait():
                if ready is self._control:
                    if not self._obey():
                        return
                elif ready is self._vm:
                    self._hear_vm(ready)
                elif ready is self._outside:
                    self._hear_world(ready)

    def _wait(self) -> list[Any]:
        """Release what is due, spinning for what nearly is; give the ends that can be read."""
        ends = [end for end in (self._control, self._vm, self._outside) if end is not None]
        while True:
            timeout_s = None
            if self._scan_due_ns:
                if monotonic_ns() >= self._scan_due_ns:
                    self._tell_heard()
                    continue
                timeout_s = max(0.0, (self._scan_due_ns - monotonic_ns()) / 1e9)
            if self._under_way:
                early_ns = self._under_way[0][0] - monotonic_ns()
                if early_ns <= _SPIN_NS:
                    self._release()
                    continue
                early_s = (early_ns - _SPIN_NS) / 1e9
                timeout_s = early_s if timeout_s is None else min(early_s, timeout_s)
            ready = select.select(ends, (), (), timeout_s)[0]
            if ready:
                return ready

    def _release(self) -> None:
        release_ns, _order, way, address, datagram = heapq.heappop(self._under_way)
        self._waiting[way] -= 1
        while (now_ns := monotonic_ns()) < release_ns:
            pass
        if self._cut or not self._link_up:
            self.counts[f"{way}_cut"] += 1
            return
        try:
            if way == "out":
                if self._outside is None:
                    self.counts["out_failed"] += 1
                    return
                self._outside.sendto(datagram, address)
            else:
                if self._vm is None or self._vm_address is None:
                    self.counts["in_failed"] += 1
                    return
                self._vm.send(datagram)
        except OSError:
            # No route, a full buffer, a VM that just died: on real air, too, the datagram is simply gone.
            self.counts[f"{way}_failed"] += 1
            return
        self.counts[way] += 1
        self._late_ns.append(now_ns - release_ns)

    def _submit(self, way: Way, receiver: Address, address: Address, datagram: bytes, now_ns: int) -> None:
        if self._cut or not self._link_up:
            self.counts[f"{way}_cut"] += 1
            return
        if not self._room.passes(address == wire.MDNS_GROUP):
            self.counts[f"{way}_kept_apart"] += 1
            return
        if self._waiting[way] >= _UNDER_WAY_MAX:
            self.counts[f"{way}_full"] += 1
            return
        release_ns = self._lanes[way].release_ns(now_ns, receiver)
        if release_ns is None:
            self.counts[f"{way}_lost"] += 1
            return
        if self._is_saving and way == "in":
            release_ns = -(-release_ns // wire.BEACON_NS) * wire.BEACON_NS
        self._order += 1
        self._waiting[way] += 1
        heapq.heappush(self._under_way, (release_ns, self._order, way, address, datagram))

    def _hear_vm(self, vm: socket.socket) -> None:
        try:
            datagram, source = vm.recvfrom(_DATAGRAM_MAX)
        except OSError:
            return
        now_ns = monotonic_ns()
        if self._vm_address is None:
            vm.connect(source)
            self._vm_address = source
        elif source != self._vm_address:
            # A stranger's datagram that lay in the queue before the socket was connected.
            return
        if not wire.AIR_ADDRESS.size <= len(datagram) <= wire.AIR_ADDRESS.size + wire.PAYLOAD_MAX:
            self.counts["out_bad"] += 1
            return
        head, payload = datagram[:6], datagram[6:]
        if head == wire.RADIO_ITSELF:
            self._control_from_vm(payload)
            return
        packed, port = wire.AIR_ADDRESS.unpack(head)
        address = (socket.inet_ntoa(packed), port)
        multicast_or_worse = packed[0] >= 224 or packed[0] == 0
        if port == 0 or (multicast_or_worse and address != wire.MDNS_GROUP):
            self.counts["out_bad"] += 1
            return
        self._submit("out", address, address, payload, now_ns)

    def _hear_world(self, outside: socket.socket) -> None:
        try:
            payload, (host, port) = outside.recvfrom(_DATAGRAM_MAX)
        except OSError:
            return
        now_ns = monotonic_ns()
        if len(payload) > wire.PAYLOAD_MAX:
            self.counts["in_bad"] += 1
            return
        datagram = wire.AIR_ADDRESS.pack(socket.inet_aton(host), port) + payload
        self._submit("in", ("vm", 0), ("vm", 0), datagram, now_ns)

    def _control_from_vm(self, payload: bytes) -> None:
        if len(payload) == 5 and payload[0] == wire.RADIO_LEAD:
            lead = socket.inet_ntoa(payload[1:])
            if lead != self._lead:
                self._moved = False
            self._lead = lead
            self._follow_lead()
        elif len(payload) == 2 and payload[0] == wire.RADIO_LINK and payload[1] <= 1:
            self._link_up = payload[1] == 1
        elif len(payload) >= 2 and payload[0] == wire.RADIO_JOIN and len(payload) >= 2 + payload[1]:
            end = 2 + payload[1]
            self._tell_network(self._room.join(payload[2:end], payload[end:]))
        elif payload[:1] == bytes((wire.RADIO_SCAN,)) and len(payload) == 1:
            self._scan_due_ns = monotonic_ns() + wire.SCAN_NS
        elif len(payload) == 2 and payload[0] == wire.RADIO_SAVE and payload[1] <= 1:
            self._is_saving = payload[1] == 1
        else:
            self.counts["out_bad"] += 1
        self._tell_address()

    # -- the outside address -------------------------------------------------------------------------------

    def _follow_lead(self) -> None:
        """Bind to the address that leads to the daemon, if it is not bound there already."""
        if self._moved:
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((self._lead, _ROUTE_PORT))
                source = probe.getsockname()[0]
            except OSError:
                source = None
        if source is None:
            self._bind(None, 0)
        elif source != self._address[0]:
            self._bind(source, self._address[1])

    def _bind(self, source: str | None, port: int) -> None:
        """Open the outside socket anew, on `port` if that is free; without a source there is no road."""
        if self._outside is not None:
            self._outside.close()
            self._outside = None
        self._address = ("0.0.0.0", 0)
        if source is None:
            return
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            try:
                sock.bind((source, port))
            except OSError:
                sock.bind((source, 0))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        except OSError:
            # The address went away between the route's answer and now: no road, until LEAD is said again.
            sock.close()
            return
        sock.setblocking(False)
        self._outside = sock
        self._address = sock.getsockname()

    def _readdress(self) -> None:
        """Move as a new DHCP lease would: to another port, and on Linux's loopback to another address."""
        host, port = self._address
        if sys.platform == "linux" and host.startswith("127."):
            last = int(host.rsplit(".", 1)[1])
            host = f"127.0.0.{last % 254 + 1}"
        old = self._outside
        self._outside = None
        self._bind(host, 0)
        if old is not None:
            # Closed only now, so that the same port cannot come back.
            old.close()
        self._moved = self._address[1] != port
        self._tell_address()

    def _tell_address(self) -> None:
        if self._vm is None or self._vm_address is None:
            return
        host, port = self._address if self._room.gives_address else ("0.0.0.0", 0)
        address = wire.AIR_ADDRESS.pack(socket.inet_aton(host), port)
        self._tell_vm(bytes((wire.RADIO_ADDRESS,)) + address)

    def _tell_network(self, state: int) -> None:
        joined = self._room.joined
        dbm = self._room.rssi_dbm()
        name = joined.ssid if joined is not None else b""
        self._tell_vm(bytes((wire.RADIO_NETWORK, state, -dbm)) + name)

    def _tell_heard(self) -> None:
        self._scan_due_ns = 0
        rows = b"".join(
            bytes((-dbm, channel, bool(one.password), len(one.ssid))) + one.ssid
            for one, dbm, channel in self._room.scan()
        )
        self._tell_vm(bytes((wire.RADIO_HEARD,)) + rows)

    def _tell_vm(self, payload: bytes) -> None:
        if self._vm is None or self._vm_address is None:
            return
        try:
            self._vm.send(wire.RADIO_ITSELF + payload)
        except OSError:
            self.counts["in_failed"] += 1

    # -- the launcher --------------------------------------------------------------------------------------

    def _obey(self) -> bool:
        got = self._control.questions()
        if got is None:
            return False
        for question in got[0]:
            try:
                self._do(question)
            except BoardError as error:
                self._control.answer({"error": str(error)})
            else:
                self._control.answer(self._info())
        return True

    def _do(self, question: dict[str, Any]) -> None:
        match question["do"]:
            case "boot":
                self._boot()
            case "air":
                model = model_named(question["model"])
                for lane in self._lanes.values():
                    lane.model = model
            case "cut":
                self._cut = bool(question["on"])
            case "readdress":
                self._readdress()
            case "networks":
                self._put(question["of"])
            case "network":
                if self._room.switch(question["ssid"].encode(), bool(question["on"])):
                    self._tell_network(NOT_FOUND)
                    self._tell_address()
            case _:
                pass

    def _put(self, networks: list[list[str]]) -> None:
        self._room.put(
            [Network(bytes.fromhex(ssid), bytes.fromhex(word), trouble) for ssid, word, trouble in networks]
        )

    def _boot(self) -> None:
        """Open a fresh socket for a VM that is about to start; it is unheard until it speaks."""
        if self._vm is not None:
            self._vm.close()
        self._vm = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._vm.bind(("127.0.0.1", 0))
        self._vm.setblocking(False)
        self._vm_address = None
        self._link_up = True
        self._room.leave()
        self._is_saving = False
        self._scan_due_ns = 0
        self._lead = "127.0.0.1"
        self._follow_lead()
        self.counts["in_cut"] += self._waiting["in"]
        self._under_way = [entry for entry in self._under_way if entry[2] == "out"]
        heapq.heapify(self._under_way)
        self._waiting["in"] = 0

    def _info(self) -> dict[str, Any]:
        late_us = sorted(late / 1000 for late in self._late_ns)
        last = len(late_us) - 1
        return {
            "vm_port": self._vm.getsockname()[1] if self._vm is not None else 0,
            "address": list(self._address),
            "cut": self._cut,
            "link_up": self._link_up,
            "network": self._room.joined.ssid.decode() if self._room.joined is not None else None,
            "saving": self._is_saving,
            "counts": dict(self.counts),
            "late_us": {
                "p50": late_us[last // 2],
                "p99": late_us[last * 99 // 100],
                "max": late_us[last],
            }
            if late_us
            else None,
        }


def main() -> int:
    """Run as a child of the launcher: the channel on descriptor 0; arguments launcher's pid, model, seed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(int(sys.argv[1]))
    radio = Radio(Answerer(socket.socket(fileno=0)), sys.argv[2], sys.argv[3])
    # Nothing here makes cycles, and a collection would be lateness.
    gc.freeze()
    gc.disable()
    radio.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
