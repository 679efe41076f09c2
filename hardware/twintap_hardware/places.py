"""Where the sources and the outputs of hardware/ lie, and which boards are drawn."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
HARDWARE = PACKAGE.parent
ROOT = HARDWARE.parent
OUT = HARDWARE / "out"
BOARD_FILES = ROOT / "firmware/boards"

# The boards that a pulser is drawn for; each has its folder in out/.
BOARDS = ("xiao-esp32c3", "xiao-esp32c6")
