"""What hangs together when things are joined two by two: copper and leads, or the wires of a drawing."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Joining(Generic[T]):
    """Things that are joined into groups; alone stands what nothing has joined (disjoint-set forest)."""

    def __init__(self) -> None:
        self._above: dict[T, T] = {}

    def join(self, one: T, other: T) -> None:
        """Make one group of both things' groups."""
        self._above[self.group(one)] = self.group(other)

    def group(self, thing: T) -> T:
        """The one thing that stands for all that are joined with `thing`, until the next join."""
        above = self._above.setdefault(thing, thing)
        while above != thing:
            # Each step is led past one, so that no way grows long.
            further = self._above[above]
            self._above[thing] = further
            thing, above = above, further
        return thing
