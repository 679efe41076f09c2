"""The cases of vectors/ticks.json, from integers of any size."""

RING = 2**30
HALF = RING // 2
TICKS = (0, 1, 999, HALF - 1, HALF, HALF + 1, RING - 2, RING - 1)
DELTAS = (-HALF, -HALF + 1, -1_000_000, -1, 0, 1, 1_000_000, HALF - 2, HALF - 1)
STAMPS = (
    0,
    1,
    HALF - 1,
    HALF,
    RING - 1,
    RING,
    RING + HALF,
    3 * RING - 1,
    3 * RING,
    (RING - 1) * RING + RING - 1,
)


def cases():
    """Sums, differences, and whether two stamps are near each other."""
    rows = []
    for ticks in TICKS:
        for delta_us in DELTAS:
            want = (ticks + delta_us) % RING
            rows.append({"name": f"{ticks} {delta_us:+}", "ticks": ticks, "delta_us": delta_us, "sum": want})
    for later in TICKS:
        for earlier in TICKS:
            want = (later - earlier + HALF) % RING - HALF
            rows.append({"name": f"{earlier} to {later}", "later": later, "earlier": earlier, "diff": want})
    for now in STAMPS:
        for away in (0, 1, -1, HALF - 1, -HALF, HALF, -HALF - 1, RING, -RING, RING - 1, 1 - RING, 5 * RING):
            stamp = now + away
            if 0 <= stamp < RING * RING:
                want = -HALF <= away < HALF
                name = f"{stamp} seen from {now}"
                rows.append(
                    {"name": name, "stamp": divmod(stamp, RING), "now": divmod(now, RING), "near": want}
                )
    return rows
