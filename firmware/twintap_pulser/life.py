"""From power-on to the end of the program: start, say what went wrong, start anew.

On a chip a crash is followed by a reset, three crashes in a row by safe mode (see `safe`), in which a cable
can learn what broke and mend it. Whoever copies files to a chip leaves word (`crash_record.DEPLOY`) and
resets it: that start goes to the REPL, with no watchdog armed. On the virtual board the launcher restarts
whatever ends.
"""

import sys

_RESTART_MS = 3_000  # long enough for the console to say why
_PROMPT_MS = 120_000  # for whoever interrupts the program to say what for


def live() -> None:
    """Runs the pulser; on a chip it does not return unless Ctrl-C, or a deploy, asks for the REPL."""
    if sys.platform != "esp32":
        from .app import run

        run()
        return
    from . import crash_record

    start = crash_record.begin()
    if start == crash_record.REPL:
        print("twintap: left to whoever copies files; the next start is an ordinary one.")
        return
    if start == crash_record.SAFE:
        from .safe import serve

        print("twintap: %d crashes in a row; safe mode. %s" % (crash_record.crashes(), crash_record.error()))
        serve()
        return
    _run()


def _run() -> None:
    import machine
    import network

    from . import crash_record

    try:
        # The radio takes its memory from what Python's heap, which grows as modules are loaded, has left: so
        # it comes first.
        network.WLAN(network.STA_IF).active(True)
        from .app import run

        run()
    except KeyboardInterrupt:
        # Somebody at the cable wants the REPL.
        crash_record.forget()
        _come_back()
        return
    except BaseException as broken:
        # First of all, for a full heap may break the telling, too. Not a reset at once: what broke the
        # program is still to be printed.
        machine.WDT(timeout=_RESTART_MS)
        crash_record.died_of(broken)
        raise
    crash_record.forget()
    machine.reset()


def _come_back() -> None:
    """Starts the chip anew in a while: Ctrl-C is one byte, and may be among any rubbish on the cable.

    A soft reset, with which mpremote begins, calls it off; and so does any other.
    """
    import machine

    machine.Timer(0).init(
        mode=machine.Timer.ONE_SHOT, period=_PROMPT_MS, callback=lambda _timer: machine.reset()
    )
