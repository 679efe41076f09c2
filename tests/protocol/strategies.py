"""Frames' fields as hypothesis draws them: everything that the ranges of SPEC.md allow."""

from hypothesis import strategies as st

MAX = 2**30 - 1
U16 = st.integers(0, 65_535)
TICKS = st.integers(0, MAX)
LEVEL_BP = st.integers(0, 10_000)


@st.composite
def _segments(draw, first_pass):
    """A segment whose pulse lies in its pass."""
    period = draw(st.integers(249_900, 30_000_000))
    width = draw(st.integers(20_000, period))
    rise = draw(st.integers(20_000, width))
    return {
        "first_pass": draw(first_pass),
        "ref_pass": draw(U16),
        "ref_wraps": draw(TICKS),
        "ref_ticks": draw(TICKS),
        "period_us": period,
        "period_frac": draw(U16),
        "phase_us": draw(st.integers(0, period - width)),
        "width_us": width,
        "rise_us": rise,
        "fall_us": draw(st.integers(0, width - rise)),
    }


@st.composite
def _schedules(draw):
    first = draw(_segments(st.integers(0, 65_534)))
    parts = [first]
    if draw(st.booleans()):
        parts.append(draw(_segments(st.integers(first["first_pass"] + 1, 65_535))))
    return {
        "set_id": draw(st.integers(1, MAX)),
        "revision": draw(U16),
        "passes": draw(st.integers(0, 2_500)),
        "ramp_ms": draw(st.integers(0, 10_000)),
        "level_bp": draw(LEVEL_BP),
        "segments": parts,
    }


_STAMPS = st.tuples(U16, TICKS, TICKS, TICKS).map(list)
_BYTE = st.integers(0, 255)
_REPORT = {
    "flags": _BYTE,
    "side": st.integers(0, 2),
    "set_id": TICKS,
    "revision": U16,
    "ended_set": TICKS,
    "ended_reason": _BYTE,
    "pass_no": U16,
    "delivered": U16,
    "skipped": U16,
    "late": U16,
    "latest_us": TICKS,
    "presses": U16,
    "battery_mv": U16,
    "ceiling_bp": LEVEL_BP,
    "dropped": U16,
    "version_major": _BYTE,
    "version_minor": _BYTE,
    "version_patch": _BYTE,
    "stamps": st.lists(_STAMPS, max_size=8),
    "power": _BYTE,
    "battery": _BYTE,
    "trim_bp": LEVEL_BP,
    "settled": U16,
    "settled_result": _BYTE,
    "networks": _BYTE,
    "idle_s": U16,
    "sleep_in_s": U16,
    "boot_cause": _BYTE,
    "rssi": _BYTE,
}
_NUMBER = st.integers(1, 65_535)
_HEX = st.binary(max_size=64).map(bytes.hex)
_LEASE = ("set_id", "until_wraps", "until_ticks", "go_wraps", "go_ticks", "ended_set")

# frame -> its fields
FIELDS = {
    "probe": st.fixed_dictionaries({"seq": U16}),
    "schedule": _schedules(),
    "lease": st.fixed_dictionaries(dict.fromkeys(_LEASE, TICKS)),
    "stop": st.fixed_dictionaries({"set_id": TICKS}),
    "identify": st.fixed_dictionaries(
        {"number": U16, "duration_ms": st.integers(20, 1_000), "level_bp": LEVEL_BP}
    ),
    "assign": st.fixed_dictionaries({"side": st.integers(1, 2), "red": _BYTE, "green": _BYTE, "blue": _BYTE}),
    "tune": st.fixed_dictionaries({"number": _NUMBER, "trim_bp": st.integers(2_500, 10_000)}),
    "network": st.fixed_dictionaries(
        {
            "number": _NUMBER,
            "op": st.just(1),
            "ssid": st.binary(min_size=1, max_size=32).map(bytes.hex),
            "password": _HEX,
        }
    ),
    "power": st.fixed_dictionaries({"number": _NUMBER, "want": st.integers(1, 2)}),
    "report": st.fixed_dictionaries(_REPORT),
}


@st.composite
def mutated(draw, data):
    """`data` with a few bytes changed, cut off, or appended."""
    out = bytearray(data)
    for _ in range(draw(st.integers(0, 3))):
        if out:
            out[draw(st.integers(0, len(out) - 1))] = draw(_BYTE)
    cut = draw(st.integers(0, len(out)))
    if draw(st.booleans()):
        del out[cut:]
    return bytes(out) + draw(st.binary(max_size=4))
