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

    from .port_chip import may_start

    if not may_start():
        print(
            "twintap: three crashes in a row; the firmware is not started. Flash it anew, or cut the power."
        )
        return
    wants_repl = False
    try:
        from .app import run

        run()
        print("twintap: restarting")
    except KeyboardInterrupt:
        wants_repl = True
        machine.RTC().memory(b"")
    finally:
        if not wants_repl:
            # Not a reset at once: what ended the program is still to be printed.
            machine.WDT(timeout=_RESTART_MS)
