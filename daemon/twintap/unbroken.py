"""What is not broken off in its middle, whoever is cancelled meanwhile."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def to_its_end(doing: Coroutine[Any, Any, _T]) -> _T:
    """Await `doing` to its end, and give or raise what it does.

    Who is cancelled meanwhile, once or several times, is so after it: `CancelledError`, from what it raised.
    """
    task = asyncio.ensure_future(doing)
    is_cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            is_cancelled = True
    if is_cancelled and not task.cancelled():
        raise asyncio.CancelledError from task.exception()
    return task.result()
