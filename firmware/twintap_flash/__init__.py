"""From a bare chip to a running pulser, over the cable: MicroPython, the application, a look whether it runs.

    python -m twintap_flash PORT [--image FILE] [--board NAME] [--json]
    python -m twintap_flash build [--board NAME] [--out DIR]

Nothing is written before everything that will be written has been judged: a wrong image, a wrong board file
or half a file leaves the chip as it was. Whatever breaks a run off, the next one finishes. Settings on the
chip (its key, its networks, its trim) are left alone.
"""
