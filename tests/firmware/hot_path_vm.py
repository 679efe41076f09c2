"""Runs in the MicroPython VM: the edge path of the virtual port and the motor, with the heap locked.

With the heap locked any allocation raises MemoryError. Prints `ok PASSES EDGES` or dies. A set in which the
host kept this VM from running, so that a pulse was skipped or the lease ran out, is followed by another one.
"""

import gc
import sys

import micropython

from twintap_protocol.frames import Lease, Schedule, Segment
from twintap_protocol.pacer import Pacer
from twintap_protocol.ticks import ticks_add, ticks_diff
from twintap_pulser.motor import Motor
from twintap_pulser.port_virtual import VirtualPort

PASSES = 6
SETS = 5
PERIOD_US = 250_000


class NoEvent:
    def set(self):
        return


port = VirtualPort(None)
port._edge_wake = NoEvent()
pacer = Pacer(6_000)
pacer.trim_bp = 9_000
motor = Motor(port, pacer)
port._button.on_button = motor.press


def renew(set_id, begin, wraps, go):
    now = port.ticks_us()
    now_wraps = 0 if now >= begin else 1
    until = ticks_add(now, 900_000)
    until_wraps = now_wraps if until >= now else now_wraps + 1
    motor.hold()
    pacer.grant(Lease(set_id, until_wraps, until, wraps, go, 0), now_wraps, now)
    motor.release()


def litter():
    """Garbage, and a threshold at which the first allocation from now on collects it."""
    gc.collect()
    for _ in range(20):
        bytearray(50)
    gc.threshold(1)
    return gc.mem_alloc()


def run_set(set_id):
    """One set from start to end; gives how many edges it had."""
    begin = port.ticks_us()
    go = ticks_add(begin, 30_000)
    wraps = 0 if go >= begin else 1
    segment = Segment(0, 0, wraps, go, PERIOD_US, 77, 10_000, 90_000, 40_000, 30_000)
    assert pacer.accept(Schedule(set_id, 1, PASSES, 1_000, 8_000, [segment]), 0, begin)
    renew(set_id, begin, wraps, go)
    gc.collect()
    gc.disable()
    edges = 0
    while pacer.set_id:
        if pacer.state == "tail":
            renew(set_id, begin, wraps, go)
        armed = port._edge_ticks
        assert armed >= 0, "a set runs and nothing is armed"
        while ticks_diff(armed, port.ticks_us()) > (port.spin_us if port._is_sharp else 0):
            pass
        port._edge_ticks = -1
        if edges & 1:
            used = gc.mem_alloc()
            micropython.heap_lock()
            motor.on_edge()
            micropython.heap_unlock()
            assert gc.mem_alloc() == used, "an edge allocated"
        else:
            # Some of MicroPython's calls use the stack when the heap is locked, and would use the heap
            # otherwise, for a moment: long enough for a collection. So every other edge runs with a snare
            # instead of a lock.
            gc.enable()
            used = litter()
            motor.on_edge()
            passed = gc.mem_alloc()
            gc.threshold(-1)
            gc.disable()
            assert passed == used, "an edge allocated for a moment, state " + pacer.state
        edges += 1
    gc.enable()
    return edges


used = litter()
bytearray(1)
assert gc.mem_alloc() < used, "the snare does not work"
gc.threshold(-1)

motor.start_watchdog()
for set_id in range(1, SETS + 1):
    edges = run_set(set_id)
    if pacer.delivered == PASSES:
        break
assert pacer.delivered == PASSES, pacer.delivered
assert pacer.level_bp == 0

pacer.identify(200, 5_000, port.ticks_us())
motor.on_edge()
assert pacer.level_bp > 0
used = gc.mem_alloc()
micropython.heap_lock()
motor.press(True)
micropython.heap_unlock()
assert gc.mem_alloc() == used, "a press allocated"
assert pacer.level_bp == 0
print("ok", pacer.delivered, edges)
if len(sys.argv) > 1:
    # The proof that the lock bites: this has to raise.
    micropython.heap_lock()
    list(range(9))
