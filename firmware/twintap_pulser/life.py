"""From power-on to the end of the program: start, say what went wrong, start anew.

On a chip a crash is followed by a reset, three crashes in a row by the REPL alone, so that a cable can mend
it. On the virtual board the launcher restarts whatever ends.
"""

import sys

_RESTART_MS = 3_000  # long enough for the console to say why


def live() -> None:
    """Runs the pulser; on a chip it does not return unless Ctrl-C asks for the REPL."""
    if sys.platform != "esp32":
        from .app import run

        run()
        return
    import machine

    from .port_chip import forget_crashes, may_start

    if not may_start():
        print(
            "twintap: three crashes in a row; the firmware is not started. Flash it anew, or cut the power,"
            " or press the board's reset button."
        )
        return
    # Not a reset at once when the program breaks: what broke it is still to be printed.
    is_broken = True
    try:
        from .app import run

        run()
        is_broken = False
        forget_crashes()
        machine.reset()
    except KeyboardInterrupt:
        # Somebody at the cable wants the REPL.
        is_broken = False
        forget_crashes()
    finally:
        if is_broken:
            machine.WDT(timeout=_RESTART_MS)
