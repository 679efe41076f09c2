"""Handler for the kind `ticks`: the ring of ticks."""

from case_kit import expect

from twintap_protocol.ticks import join_stamp, split_stamp, stamp_is_near, ticks_add, ticks_diff


def _ticks(case):
    """ticks, delta_us and their sum; or later, earlier and their diff; or a stamp, now, and whether near."""
    if "sum" in case:
        expect("sum", ticks_add(case["ticks"], case["delta_us"]), case["sum"])
    elif "diff" in case:
        expect("diff", ticks_diff(case["later"], case["earlier"]), case["diff"])
    else:
        stamp, now = tuple(case["stamp"]), tuple(case["now"])
        expect("near", stamp_is_near(stamp[0], stamp[1], now[0], now[1]), case["near"])
        expect("joined and split", split_stamp(join_stamp(*stamp)), stamp)


HANDLERS = {"ticks": _ticks}
