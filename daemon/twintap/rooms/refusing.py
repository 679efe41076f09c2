"""What is said of a pulser that is none, and when a start or a stop did not come to its end."""

from collections.abc import Mapping, Sequence

from ..errors import Fault, Refused
from ..links.pulser import Pulser
from ..views import Side


def known(pulsers: Mapping[str, Pulser], pulser_id: str) -> Pulser:
    """The pulser of this id. Raises `Refused("unknown")`."""
    pulser = pulsers.get(pulser_id)
    if pulser is None:
        raise Refused(Fault("unknown", f"no pulser {pulser_id} is paired here", field="pulser"))
    return pulser


def silent_fault(sides: Sequence[Side]) -> Fault:
    """`sides` did not confirm a stop."""
    which = " and ".join(sides)
    text = (
        f"the {which} pulser did not confirm the stop; its lease has ended, which stops it by itself:"
        " look at it, and at the network"
    )
    return Fault("silent", text, side=sides[0])


def start_fault(reason: str, side: Side | None) -> Fault:
    """A set ended while it was starting, for `reason` (as in `SetEnded`), on `side` if on one."""
    which = f"the {side} pulser" if side is not None else "a pulser"
    said = {
        "silent": f"{which} did not acknowledge the set within a second",
        "lost": f"{which} went silent while the set was starting",
        "charging": f"{which} is on its charger: unplug it",
        "button": f"the button of {which} was pressed while the set was starting",
        "stop": "the set was stopped while it was starting",
        "clock": "a clock jumped while the set was starting: start again",
    }
    message = said.get(reason, f"the set ended while it was starting ({reason})")
    code = reason if reason in ("silent", "charging", "clock") else "silent"
    return Fault(code, message, side=side)
