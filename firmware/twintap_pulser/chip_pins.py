"""Which pins of a chip may do what: the rules that a board file is checked against, on the pulser itself.

From Espressif's GPIO tables of each chip (ESP-IDF, "GPIO & RTC GPIO"), narrowed to what is safe on every
module: no strapping pins, no flash, PSRAM or USB, and none of the serial console's (UART0), which MicroPython
reads on every build. ADC2 shares its converter with the radio, so only ADC1 counts.
"""

_ESP32 = {
    "both": (4, 13, 14, 18, 19, 21, 22, 23, 25, 26, 27, 32, 33),
    "reads": (34, 35, 36, 39),
    "measures": (32, 33, 34, 35, 36, 39),
    "wakes": (4, 13, 14, 25, 26, 27, 32, 33, 34, 35, 36, 39),
    "restless": (14,),
}
_ESP32C3 = {
    "both": (0, 1, 3, 4, 5, 6, 7, 10),
    "reads": (),
    "measures": (0, 1, 3, 4),
    "wakes": (0, 1, 3, 4, 5),
    "restless": (6,),
}
_ESP32C6 = {
    "both": (0, 1, 2, 3, 6, 7, 10, 11, 14, 18, 19, 20, 21, 22, 23),
    "reads": (),
    "measures": (0, 1, 2, 3, 6),
    "wakes": (0, 1, 2, 3, 6, 7),
    "restless": (6, 18, 19, 20, 21, 22, 23),
}

# For each chip: `both` read and drive; `reads` only read, and have no pull of their own; `measures` are on
# ADC1; `wakes` end a deep sleep; `restless` are pulled up from reset until the program sets them (JTAG,
# SDIO), which a motor's gate must not see.
CHIPS = {"esp32": _ESP32, "esp32c3": _ESP32C3, "esp32c6": _ESP32C6}
