"""What a twintap daemon and a twintap pulser agree on: frames, seals, links, schedules, leases.

No sockets, no clocks, no imports from outside, and the same bytes on CPython and on MicroPython. The text
that rules is SPEC.md. Modules are imported by name, so that a pulser loads only what it uses.
"""
