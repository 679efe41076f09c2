"""The pulser's modules, which are no package of this distribution, made importable for tests on CPython."""

import sys
from importlib import import_module
from typing import Any

from twintap_board.sources import firmware_dir

if str(firmware_dir()) not in sys.path:
    sys.path.insert(0, str(firmware_dir()))

app: Any = import_module("twintap_pulser.app")
button: Any = import_module("twintap_pulser.button")
console: Any = import_module("twintap_pulser.console")
drive: Any = import_module("twintap_pulser.drive")
dnssd: Any = import_module("twintap_pulser.dnssd")
motor: Any = import_module("twintap_pulser.motor")
seek: Any = import_module("twintap_pulser.seek")
prober: Any = import_module("twintap_pulser.prober")
clock: Any = import_module("twintap_pulser.clock")
board_file: Any = import_module("twintap_pulser.board_file")
addressing: Any = import_module("twintap_pulser.addressing")
uplink: Any = import_module("twintap_pulser.uplink")
battery: Any = import_module("twintap_pulser.battery")
light: Any = import_module("twintap_pulser.light")
power: Any = import_module("twintap_pulser.power")
settle: Any = import_module("twintap_pulser.settle")
Settings: Any = import_module("twintap_pulser.settings").Settings
