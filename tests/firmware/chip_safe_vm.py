"""Runs in the MicroPython VM: safe mode's own loop on this VM's console, until a reset is asked for."""

from chip_stand_ins import RTC, Restarted, machine

from twintap_pulser import crash_record, safe

RTC.kept = crash_record._MAGIC + b"\x03MemoryError: full"
machine.cause = machine.WDT_RESET
assert crash_record.begin() == crash_record.SAFE
try:
    safe.serve()
    raise AssertionError("gave up")
except Restarted:
    pass
# The next start is another try.
assert RTC.kept == b""
print("ok")
