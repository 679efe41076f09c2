"""What the board can find out about itself, and what a person has to look at or feel, in words."""

from twintap_protocol.frames import BATTERY_EMPTY, BATTERY_LOW, BATTERY_NAMES, BATTERY_UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .app import App

_BUZZ_MS = 200
_LIGHT_MS = 1_000
_HEAP_LEAST = 20_000  # bytes; with less, frames and garbage get in each other's way
_FLASH_LEAST = 16_384  # bytes: two copies of the settings, and what a file system wants for itself


def _line(is_ok: "bool | None", value: object, say: str) -> "dict[str, object]":
    return {"ok": is_ok, "value": value, "say": say}


async def selftest(app: "App", buzz: bool) -> "dict[str, object]":
    """A line for each part: `ok` is None where a person has to look. Takes a second, for the light.

    `buzz`: the motor runs for 200 ms, under its ceiling. Not while a set is held.
    """
    port = app.port
    told: "dict[str, object]" = {"board": _line(True, app.board.board_id, app.board.name)}
    app.show_white(_LIGHT_MS)
    told["motor"] = _motor(app, buzz)
    if port.button_down():
        told["button"] = _line(None, True, "it is pressed; if nobody presses it, its contacts stick")
    else:
        told["button"] = _line(None, app.motor.presses, "it is up; presses since the start are counted")
    if port.charging():
        told["charging"] = _line(None, True, "a charger is plugged in")
    elif app.board.charge is not None:
        told["charging"] = _line(None, False, "no charger")
    else:
        told["charging"] = _line(None, None, "this board does not feel a charger")
    told["battery"] = _battery(app)
    heap = app.heap_free_bytes
    told["heap"] = _line(None if heap < 0 else heap >= _HEAP_LEAST, heap, "bytes of memory are free")
    flash = port.flash_free()
    if app.settings.is_unwritable:
        told["flash"] = _line(False, flash, "the flash refused what was to be kept")
    else:
        is_ok = None if flash < 0 else flash >= _FLASH_LEAST
        told["flash"] = _line(is_ok, flash, "bytes of flash are free")
    if app.board.light_kind:
        told["light"] = _line(None, app.board.light_kind, "it should have shone white for a second")
    else:
        told["light"] = _line(None, None, "this board has no light")
    await port.sleep_ms(_LIGHT_MS)
    return told


def _motor(app: "App", buzz: bool) -> "dict[str, object]":
    driver = app.board.motor_driver
    fault = app.port.motor_fault()
    if fault:
        return _line(False, driver, fault)
    if not buzz:
        return _line(None, driver, "no fault is known; ask for a buzz to feel it")
    if app.uplink.identify(_BUZZ_MS, 10_000):
        return _line(None, driver, "it should have been felt for a fifth of a second")
    return _line(None, driver, "no buzz while it buzzes already, or while charging")


def _battery(app: "App") -> "dict[str, object]":
    battery = app.battery
    if battery.state == BATTERY_UNKNOWN:
        return _line(None, 0, "this board does not measure it")
    name = BATTERY_NAMES[battery.state]
    is_ok = battery.state not in (BATTERY_LOW, BATTERY_EMPTY)
    return _line(is_ok, battery.mv, "mV: " + (name if is_ok else name + "; charge it"))
