"""A board for each test that asks for one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.board.rig import Rig


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Give a maker of boards, each in a folder of its own or, asked for again by name, in the same."""
    with ExitStack() as stack:

        def make(*arguments: str, name: str = "a", **more: object) -> Rig:
            return stack.enter_context(Rig(tmp_path / name, *arguments, **more))  # type: ignore[arg-type]

        yield make
