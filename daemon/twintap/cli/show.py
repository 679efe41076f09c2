"""Answers and events in words, for people at a terminal; text from outside is cleaned before."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from ..names import clean

_Json = Mapping[str, Any]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Give rows as lines, each column as wide as its widest."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _battery(pulser: _Json) -> str:
    millivolts = pulser["battery_mv"]
    parts = ["-" if millivolts is None else f"{millivolts / 1000:.2f} V"]
    if pulser["charging"]:
        parts.append("charging")
    elif pulser["battery"] in ("low", "empty"):
        parts.append(str(pulser["battery"]))
    return ", ".join(parts)


def _link(pulser: _Json) -> str:
    power = str(pulser["power"])
    return power if power in ("asleep", "drowsy", "waking") else str(pulser["link"])


def _firmware(pulser: _Json) -> str:
    return clean(pulser["firmware"] or "-") + (" (old)" if pulser["firmware_is_old"] else "")


def pulser_words(pulser: _Json) -> str:
    """Show one pulser in a few lines."""

    def text(name: str, unit: str = "") -> str:
        value = pulser[name]
        return "-" if value is None else f"{clean(str(value))}{unit}"

    left_min = pulser["charge_left_min"]
    lasts = "" if left_min is None else f", for about {left_min} min of tapping"
    trim = "-" if pulser["trim_pct"] is None else f"{pulser['trim_pct']:g} %"
    ceiling = "-" if pulser["ceiling_pct"] is None else f"{pulser['ceiling_pct']:g} %"
    return "\n".join(
        (
            f"{pulser['id']} {clean(pulser['name'])}: {pulser['side']} of {clean(pulser['room'])}",
            f"  {_link(pulser)} at {text('address')}, clock {_clock(pulser)}",
            f"  battery {_battery(pulser)}{lasts}",
            f"  trim {trim}, ceiling {ceiling}",
            f"  networks kept: {text('networks')}, signal {text('rssi_dbm', ' dBm')}",
            f"  firmware {_firmware(pulser)}, started by {text('boot_cause')}",
        )
    )


def _clock(pulser: _Json) -> str:
    clock = cast("_Json", pulser["clock"])
    error_us = clock["error_us"]
    return str(clock["state"]) + ("" if error_us is None else f" ±{error_us:.0f} µs")


def pulsers(found: _Json) -> str:
    """Show the pulsers as a table."""
    rows = [("pulser", "name", "room", "side", "link", "address", "battery", "clock", "firmware")]
    rows += [
        (
            str(one["id"]),
            clean(one["name"]),
            clean(one["room"]),
            str(one["side"]),
            _link(one),
            clean(one["address"] or "-"),
            _battery(one),
            _clock(one),
            _firmware(one),
        )
        for one in cast("list[_Json]", found["pulsers"])
    ]
    text = table(rows) if len(rows) > 1 else "no pulser is paired; pair one with `twintap pair`"
    for one in cast("list[_Json]", found["elsewhere"]):
        whose = "of another daemon" if one["daemon_id"] else "paired with nobody"
        text += f"\n{clean(str(one['id']))} at {clean(str(one['address']))} is {whose}"
    return text


def _pacing(pacing: _Json) -> str:
    passes = pacing["passes"]
    return (
        f"{pacing['rate_hz']:g} Hz, pulses of {pacing['pulse_ms']:g} ms, left {pacing['left_pct']:g} %, "
        f"right {pacing['right_pct']:g} %, ramp {pacing['ramp_ms']:g} ms, "
        + ((f"{passes} passes" if passes > 1 else "1 pass") if passes else "until stopped")
    )


def running(found: _Json) -> str:
    """Say how a room taps."""
    current = cast("_Json | None", found["set"])
    if current is None:
        return f"{clean(found['name'])}: no set"
    pacing = cast("_Json", current["asked"] or current["pacing"])
    return f"{clean(found['name'])} taps: {_pacing(pacing)}"


def room(found: _Json) -> str:
    """Show a room in a few lines."""
    lines = [f"{clean(found['name'])}: " + ("ready" if found["ready"] else "not ready")]
    lines += [f"  {clean(problem['message'])}" for problem in cast("list[_Json]", found["problems"])]
    for side in ("left", "right"):
        pulser = cast("_Json | None", found[side])
        if pulser is None:
            lines.append(f"  {side}: no pulser")
        else:
            lines.append(
                f"  {side}: {pulser['id']} {_link(pulser)}, {_battery(pulser)}, clock {_clock(pulser)}"
            )
    current = cast("_Json | None", found["set"])
    if current is not None:
        done = f"{current['state']}, {current['passes_done']} passes"
        lines.append(f"  set {current['set_id']}: {done}, {_pacing(current['pacing'])}")
        if current["ended_reason"]:
            lines.append(f"  ended: {clean(str(current['ended_reason']))}")
    return "\n".join(lines)


def event(found: _Json) -> str:
    """Show an event in one line."""
    try:
        at = datetime.fromisoformat(str(found["at"])).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        at = clean(str(found["at"]), 40)
    data = cast("_Json", found["data"])
    parts = " ".join(f"{clean(str(name), 40)}={clean(str(value), 80)}" for name, value in data.items())
    what = f"{clean(str(found['room']))} {clean(str(found['type']))} by {clean(str(found['actor']))}"
    return f"{at} {what} {parts}".rstrip()


def offer(link: str, digits: str) -> str:
    """Show an offer to join."""
    return f"{link}\nor open the page and type {digits[:3]} {digits[3:]}   (once, within 10 minutes)"


def tokens(found: Sequence[_Json]) -> str:
    """Show the tokens as a table."""
    rows = [("id", "label", "role", "rooms", "from", "state")]
    for one in found:
        state = (
            "revoked" if one["revoked_at"] else f"until {one['expires_at']}" if one["expires_at"] else "valid"
        )
        rooms = "all" if one["rooms"] is None else ", ".join(clean(name) for name in one["rooms"])
        role = str(one["role"]) + (" with notes" if one["role"] == "observer" and one["notes"] else "")
        source = "a browser" if one["via"] == "cookie" else "a header"
        rows.append((str(one["id"]), clean(one["label"]), role, rooms, source, state))
    return table(rows)
