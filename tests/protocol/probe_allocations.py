"""Run under MicroPython: prints, as `name bytes`, what 100 calls of each hot function allocate.

The collector is off while it counts, so that nothing allocated is taken back before it is seen.
"""

import gc

from case_kit import make_ccm

from twintap_protocol.replay import ReplayWindow

_CALLS = 100


def measure(name, call):
    call(0)  # the first call may set up names and views
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for i in range(1, _CALLS + 1):
        call(i)
    allocated = gc.mem_alloc() - before
    gc.enable()
    print(name, allocated)


def main():
    ccm = make_ccm(bytes(range(16)))
    nonce = bytearray(13)
    buf = bytearray(256)
    view = memoryview(buf)
    window = ReplayWindow()

    def seal(i):
        nonce[12] = i
        ccm.seal_into(buf, nonce, 12, 44)

    def seal_and_open(i):
        nonce[12] = i
        ccm.seal_into(view, nonce, 12, 45)
        ccm.open_into(view, nonce, 12, 65)

    def seal_and_open_longest(i):
        nonce[12] = i
        ccm.seal_into(buf, nonce, 12, 236)
        ccm.open_into(buf, nonce, 12, 256)

    def slide(i):
        counter = i * 5 + 900_000_000
        if window.check(counter):
            window.accept(counter)
        window.check(counter)

    def make_bytes(i):
        return bytes(i)

    measure("seal", seal)
    measure("seal_and_open", seal_and_open)
    measure("seal_and_open_longest", seal_and_open_longest)
    measure("slide", slide)
    measure("make_bytes", make_bytes)


main()
