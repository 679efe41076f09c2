"""Addresses on the pulser's network: text to bytes and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .pulser_parts import addressing


@given(st.tuples(*[st.integers(0, 255)] * 4), st.integers(1, 65_535))
def test_an_address_survives_its_six_bytes(host: tuple[int, ...], port: int) -> None:
    text = ".".join(map(str, host))
    address = addressing.pack_address(text, port)
    assert len(address) == 6
    assert (addressing.host_of(address), addressing.port_of(address)) == (text, port)


@pytest.mark.parametrize(
    "host", ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "a.b.c.d", "1.2.3.-4", "1.2.3.0004", " 1.2.3.4"]
)
def test_what_is_no_ipv4_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="IPv4"):
        addressing.pack_address(host, 1)
