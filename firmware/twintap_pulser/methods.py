"""What can be asked of a pulser over its cable.

    info                                                   who and how the pulser is; keys never come out
    wifi         {ssid, password}                          a network to keep, as the first to try
    wifi_forget  {ssid}                                    one to forget
    scan                                                   the networks that it hears
    pair         {key, daemon_id, side, ceiling_pct?, addresses?, room?, colour?}     obey this daemon
    identify     {ms?, level_pct?}                         one buzz
    trim         {trim_pct}                                lower the motor, so that two feel the same
    selftest     {buzz?}                                   what the board can find out about itself
    unpair                                                 obey nobody; ceiling, trim and networks stay
    reset                                                  start anew, as after a power cut

Nothing that writes the flash is done while a set is held.
"""

from twintap_protocol.frames import BATTERY_NAMES, BOOT_NAMES, POWER_NAMES, SIDE_LEFT, SIDE_RIGHT
from twintap_protocol.limits import (
    IDENTIFY_MAX_MS,
    MAX_PASSWORD,
    MAX_SSID,
    MAX_TRIM_BP,
    MIN_TRIM_BP,
    MIN_WIDTH_US,
    VERSION_MAJOR,
    VERSION_MINOR,
)

from . import VERSION
from .addressing import NO_ADDRESS, host_of, port_of
from .announce import SIDE_NAMES
from .rpc import (
    BAD_PARAMS,
    NO_SUCH_METHOD,
    REFUSED,
    RpcError,
    addresses,
    colour,
    hex_bytes,
    number,
    text,
)
from .settings import MAX_ROOM, is_network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .app import App

_DEFAULT_BUZZ_MS = 400
_SIDES = {"left": SIDE_LEFT, "right": SIDE_RIGHT}
_SCAN_MAX = 20  # networks told, the strongest


class Methods:
    """The methods, by name, for one `app`. Each takes checked or hostile `params`; all raise `RpcError`."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._quick = {"info": self._info, "identify": self._identify}
        self._still = {
            "wifi": self._wifi,
            "wifi_forget": self._wifi_forget,
            "pair": self._pair,
            "trim": self._trim,
            "unpair": self._unpair,
            "reset": self._reset,
        }

    def is_slow(self, method: str, params: "dict[str, object]") -> bool:
        """Whether `method` takes seconds, and is to be done by `call_slow`. Refuses it in a set."""
        if method not in ("scan", "selftest"):
            return False
        if "buzz" in params and not isinstance(params["buzz"], bool):
            raise RpcError(BAD_PARAMS, "buzz is true or false")
        self._refuse_in_set()
        return True

    def call(self, method: str, params: "dict[str, object]") -> "dict[str, object]":
        """Does `method`; gives its result."""
        if method in self._quick:
            return self._quick[method](params)
        if method not in self._still:
            names = sorted(list(self._quick) + list(self._still) + ["scan", "selftest"])
            raise RpcError(NO_SUCH_METHOD, "there is " + ", ".join(names))
        self._refuse_in_set()
        return self._still[method](params)

    async def call_slow(self, method: str, params: "dict[str, object]") -> "dict[str, object]":
        """Does `scan` or `selftest`; gives its result. Refuses it if a set has begun meanwhile."""
        self._refuse_in_set()
        if method == "scan":
            return await self._scan()
        # Loaded when it is asked for, which is seldom and never in a set.
        from .selftest import selftest

        return await selftest(self._app, params.get("buzz") is True)

    def _refuse_in_set(self) -> None:
        if self._app.pacer.set_id:
            raise RpcError(REFUSED, "a set is running; stop it first")

    def _info(self, _params: "dict[str, object]") -> "dict[str, object]":
        app = self._app
        settings = app.settings
        pacer = app.pacer
        port = app.port
        address = port.address()
        told: "dict[str, object]" = {
            "id": app.pulser_id.hex(),
            "name": app.hostname,
            "board": app.board.name,
            "board_id": app.board.board_id,
            "firmware": "%d.%d.%d" % VERSION,
            "protocol": "%d.%d" % (VERSION_MAJOR, VERSION_MINOR),
            "side": SIDE_NAMES.get(settings.side),
            "room": settings.room or None,
            "daemon_id": settings.daemon_id.hex() if settings.is_paired else None,
            "settings_damaged": settings.is_damaged,
            "flash_failed": settings.is_unwritable,
            "safe_mode": False,
            "ceiling_pct": settings.ceiling_bp // 100,
            "absolute_cap_pct": app.board.absolute_cap_pct,
            "trim_pct": settings.trim_bp // 100,
            "network": port.network_state(),
            "networks": [known[0] for known in settings.networks],
            "ssid": port.ssid() or None,
            "rssi_dbm": port.rssi_dbm(),
            "address": None if address == NO_ADDRESS else "%s:%d" % (host_of(address), port_of(address)),
        }
        told.update(
            {
                "linked": app.uplink.is_linked,
                "links": app.uplink.links,
                "hellos": app.uplink.hellos,
                "heard": app.uplink.heard,
                "refused": app.uplink.refused,
                "power": POWER_NAMES[app.power.state],
                "light": app.light.pattern,
                "battery": BATTERY_NAMES[app.battery.state],
                "battery_mv": app.battery.mv,
                "charging": pacer.charging,
                "boot_cause": BOOT_NAMES[port.boot_cause()],
                "crashes": port.crashes(),
                "set_id": pacer.set_id,
                "ended_set": pacer.ended_set,
                "presses": app.motor.presses,
                "late": pacer.late,
                "latest_us": pacer.latest_us,
                "dropped": app.uplink.dropped,
                "uptime_ms": app.uptime_ms(),
                "heap_free_bytes": app.heap_free_bytes,
            }
        )
        return told

    def _identify(self, params: "dict[str, object]") -> "dict[str, object]":
        duration_ms = number(params, "ms", MIN_WIDTH_US // 1000, IDENTIFY_MAX_MS, _DEFAULT_BUZZ_MS)
        level_pct = number(params, "level_pct", 1, 100, 100)
        if not self._app.uplink.identify(duration_ms, level_pct * 100):
            raise RpcError(REFUSED, "no buzz in a set, in another buzz, or while charging")
        return {}

    # --- networks -------------------------------------------------------------------------------------------

    def _wifi(self, params: "dict[str, object]") -> "dict[str, object]":
        settings = self._app.settings
        ssid = text(params, "ssid", MAX_SSID)
        password = text(params, "password", MAX_PASSWORD)
        if not is_network(ssid, password):
            raise RpcError(
                BAD_PARAMS, "ssid is a text of 1..%d bytes; neither it nor password has a NUL" % MAX_SSID
            )
        before = settings.snapshot()
        settings.keep_network(ssid, password)
        self._save_networks(before)
        if self._app.port.ssid() != ssid:
            # Whoever holds the cable means this one, and now; another one that it is on would be kept to.
            self._app.port.set_networks([])
            self._app.port.set_networks(settings.networks)
        return {"ssid": ssid, "networks": [known[0] for known in settings.networks]}

    def _wifi_forget(self, params: "dict[str, object]") -> "dict[str, object]":
        settings = self._app.settings
        before = settings.snapshot()
        if not settings.forget_network(text(params, "ssid", MAX_SSID)):
            raise RpcError(REFUSED, "that network is not kept")
        self._save_networks(before)
        return {"networks": [known[0] for known in settings.networks]}

    def _save_networks(self, before: "tuple[object, ...]") -> None:
        self._save(before)
        self._app.port.set_networks(self._app.settings.networks)

    async def _scan(self) -> "dict[str, object]":
        try:
            found = await self._app.port.scan()
        except OSError:
            raise RpcError(REFUSED, "the radio cannot look for networks now; reset the pulser and try again")
        told: "list[dict[str, object]]" = []
        for ssid, rssi_dbm, channel, is_secure in sorted(found, key=lambda one: -one[1]):
            try:
                name = ssid.decode()
            except ValueError:
                continue  # no text that anybody could type
            # One name has often several access points: the strongest is told.
            if name and len(told) < _SCAN_MAX and name not in [one["ssid"] for one in told]:
                told.append({"ssid": name, "rssi_dbm": rssi_dbm, "channel": channel, "is_secure": is_secure})
        return {"networks": told}

    # --- settings -------------------------------------------------------------------------------------------

    def _pair(self, params: "dict[str, object]") -> "dict[str, object]":
        app = self._app
        settings = app.settings
        key = hex_bytes(params, "key", 16)
        daemon_id = hex_bytes(params, "daemon_id", 8)
        side = params.get("side")
        if not isinstance(side, str) or side not in _SIDES:
            raise RpcError(BAD_PARAMS, "side is left or right")
        cap_pct = app.board.absolute_cap_pct
        ceiling_pct = number(params, "ceiling_pct", 1, cap_pct, min(60, cap_pct))
        known = addresses(params.get("addresses", []))
        room = text(params, "room", MAX_ROOM) if "room" in params else ""
        room_colour = colour(params.get("colour", [0, 0, 0]))
        before = settings.snapshot()
        settings.key = key
        settings.daemon_id = daemon_id
        settings.side = _SIDES[side]
        settings.set_ceiling(ceiling_pct * 100)
        settings.addresses = known
        settings.room = room
        settings.colour = room_colour
        settings.is_damaged = False
        settings.is_newer = False
        self._save(before)
        app.settings_changed()
        return {"id": app.pulser_id.hex(), "name": app.hostname, "side": side, "ceiling_pct": ceiling_pct}

    def _trim(self, params: "dict[str, object]") -> "dict[str, object]":
        app = self._app
        if "trim_pct" not in params:
            raise RpcError(BAD_PARAMS, "trim_pct is missing")
        trim_pct = number(params, "trim_pct", MIN_TRIM_BP // 100, MAX_TRIM_BP // 100, 0)
        before = app.settings.snapshot()
        app.settings.trim_bp = trim_pct * 100
        self._save(before)
        app.pacer.trim_bp = app.settings.trim_bp
        return {"trim_pct": trim_pct}

    def _unpair(self, _params: "dict[str, object]") -> "dict[str, object]":
        app = self._app
        before = app.settings.snapshot()
        app.settings.forget_daemon()
        self._save(before)
        app.announcer.goodbye()
        app.settings_changed()
        return {}

    def _reset(self, _params: "dict[str, object]") -> "dict[str, object]":
        self._app.is_reset_wanted = True
        return {}

    def _save(self, before: "tuple[object, ...]") -> None:
        settings = self._app.settings
        try:
            settings.save()
        except OSError:
            settings.restore(before)
            raise RpcError(REFUSED, "the flash refuses to be written")
