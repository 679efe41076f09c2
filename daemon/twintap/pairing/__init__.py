"""Pairing: a pulser and this daemon come to share a key, over the pulser's cable.

`wanted` says what a person asks for, `steps` how far it is, `networks` what the pulser sees of the air,
`diagnosis` why it did not work, `exchange` hands out the key, `walking` does it all, from port to proof.
"""

from .diagnosis import Advice
from .exchange import ADDRESSES_MAX, linked, pair, pulser_id_in
from .networks import Seen, forget_network, keep_network, scan
from .steps import STEPS, Step, Steps
from .walking import Done, PairingFailed, walk
from .wanted import Place, Registrar, Road, Wanted, Where, Wifi

__all__ = [
    "ADDRESSES_MAX",
    "STEPS",
    "Advice",
    "Done",
    "PairingFailed",
    "Place",
    "Registrar",
    "Road",
    "Seen",
    "Step",
    "Steps",
    "Wanted",
    "Where",
    "Wifi",
    "forget_network",
    "keep_network",
    "linked",
    "pair",
    "pulser_id_in",
    "scan",
    "walk",
]
