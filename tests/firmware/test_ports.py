"""What ports have in common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .pulser_parts import ports


@given(st.tuples(*[st.integers(0, 255)] * 4), st.integers(1, 65_535))
def test_an_address_survives_its_six_bytes(host: tuple[int, ...], port: int) -> None:
    text = ".".join(map(str, host))
    address = ports.pack_address(text, port)
    assert len(address) == 6
    assert (ports.host_of(address), ports.port_of(address)) == (text, port)


@pytest.mark.parametrize(
    "host", ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "a.b.c.d", "1.2.3.-4", "1.2.3.0004", " 1.2.3.4"]
)
def test_what_is_no_ipv4_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="IPv4"):
        ports.pack_address(host, 1)
