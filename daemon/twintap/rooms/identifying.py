"""A buzz that tells which pulser is which: the one vibration without a lease."""

import asyncio
import time

from twintap_protocol import frames

from ..errors import Fault, Refused
from ..links.pulser import Pulser
from .room import Room
from .wire import level_bp

_BUZZ_MS = 500
_BUZZ_PCT = 40.0
_PATIENCE_S = 1.0
_PATIENCE_DROWSY_S = 4.0  # what is sent to a radio that sleeps waits for its next beacon
_AGAIN_S = 0.1
_LOOKS = 10


async def identify(pulser: Pulser, room: Room, actor: str) -> None:
    """Makes `pulser` buzz for half a second. Raises `Refused`.

    `running` in a set, or when a stop came before it; `asleep`; `offline`; `charging`; `silent`.
    """
    side = pulser.pairing.side
    link, report = pulser.link, pulser.report
    if room.is_set_on:
        raise Refused(Fault("running", "a set is running: stop it before a pulser is made to buzz"))
    if pulser.is_asleep:
        raise Refused(Fault("asleep", f"the {side} pulser is asleep: press its button", side=side))
    if link is None or report is None:
        raise Refused(Fault("offline", f"the {side} pulser does not answer", side=side))
    if report.flags & frames.FLAG_CHARGING:
        raise Refused(Fault("charging", f"the {side} pulser is on its charger: unplug it", side=side))
    pulser.identify_number = (pulser.identify_number + 1) & 0xFFFF
    frame = frames.Identify(pulser.identify_number, _BUZZ_MS, level_bp(_BUZZ_PCT))
    room.tell("pulser.identify", actor, {"side": side, "pulser": pulser.id})
    is_drowsy = report.power == frames.POWER_DROWSY
    deadline_s = time.monotonic() + (_PATIENCE_DROWSY_S if is_drowsy else _PATIENCE_S)
    stops = room.stops
    while time.monotonic() < deadline_s and pulser.link is link:
        if room.stops != stops or room.is_set_on:
            raise Refused(Fault("running", "a stop, or a set, came before the buzz", side=side))
        link.send(frames.IDENTIFY, frame.write(link.payload, link.channel.PAYLOAD))
        for _ in range(_LOOKS):
            await asyncio.sleep(_AGAIN_S / _LOOKS)
            report = pulser.report
            if report is not None and report.flags & frames.FLAG_IDENTIFY:
                return
    raise Refused(Fault("silent", f"the {side} pulser did not answer", side=side))
