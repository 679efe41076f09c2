"""A stop where no set is known: to be sure of a motor that this daemon did not start, or only made buzz.

A set that another daemon left running is out of reach until its pulser makes a link, which ends it, or until
its lease does. A buzz is on a link, and a single datagram against it may be lost.
"""

from collections.abc import Awaitable, Callable, Mapping

from twintap_protocol import frames

from ..core.decide import STILLED_US
from ..links.pulser import Pulser
from ..views import Side
from .wire import Repeat

_MOVING = frames.FLAG_VIBRATING | frames.FLAG_SET | frames.FLAG_IDENTIFY


async def still(
    pulsers: Mapping[Side, Pulser],
    stop_id: int,
    clock_us: Callable[[], int],
    until: Callable[[Callable[[], bool], float], Awaitable[None]],
    is_superseded: Callable[[], bool],
) -> list[Side]:
    """Repeats STOP until every side is known to be off; gives the sides that are not, in the end.

    `stop_id` is a set id that no set has had: a report which ends it is an answer to this stop, and was not
    under way before. A side that has been without a link for longer than any lease or buzz lasts is off. The
    end is that time (1.2 s) after the call, by which all has run out by itself, or when `is_superseded` tells
    of a newer set. `until` waits for a condition, which it looks at with each report, and so many seconds at
    most.
    """
    began_us = clock_us()
    repeats: dict[str, Repeat] = {}
    while True:
        now_us = clock_us()
        moving: list[Side] = [
            side for side, pulser in pulsers.items() if not _is_off(pulser, stop_id, now_us)
        ]
        if not moving or now_us >= began_us + STILLED_US or is_superseded():
            return [] if is_superseded() else moving
        due_us: float = began_us + STILLED_US
        for side in moving:
            pulser = pulsers[side]
            if pulser.link is None:
                due_us = min(due_us, pulser.unlinked_us + STILLED_US)
                continue
            repeat = repeats.setdefault(pulser.id, Repeat(now_us))
            if now_us >= repeat.due_us:
                pulser.link.send_stop(stop_id)
                repeat.sent(now_us)
            due_us = min(due_us, repeat.due_us)

        def is_news() -> bool:
            later_us = clock_us()
            return is_superseded() or all(_is_off(pulser, stop_id, later_us) for pulser in pulsers.values())

        await until(is_news, max(0.0, due_us - now_us) / 1e6)


def _is_off(pulser: Pulser, stop_id: int, now_us: float) -> bool:
    link = pulser.link
    if link is None:
        return now_us >= pulser.unlinked_us + STILLED_US
    report = link.report
    return report is not None and report.ended_set >= stop_id and not report.flags & _MOVING
