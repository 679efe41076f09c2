"""The steps of a pairing, in their order, and how far each one is. Pure; whoever shows them is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

StepName = Literal["port", "pulser", "networks", "join", "daemon", "key", "link"]
StepState = Literal["waiting", "doing", "done", "failed"]

# In the order in which they are done; each says what it is, as a heading of what it finds.
STEPS: dict[StepName, str] = {
    "port": "open the port",
    "pulser": "ask the pulser who it is",
    "networks": "look for the network",
    "join": "join the network",
    "daemon": "take a place with the daemon",
    "key": "hand over the key",
    "link": "hear the pulser over the air",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `words`: what it does, what it found, or why it failed; no secret is ever in them."""

    name: StepName
    state: StepState
    words: str


class Steps:
    """All steps of one pairing. At most one is being done; one that failed is the last that moves."""

    def __init__(self, on_change: Callable[[Step], None] | None = None) -> None:
        """`on_change` hears of each step as it begins, ends or fails."""
        self._steps: dict[StepName, Step] = {name: Step(name, "waiting", STEPS[name]) for name in STEPS}
        self._on_change = on_change

    def all(self) -> tuple[Step, ...]:
        """Give every step in its order."""
        return tuple(self._steps.values())

    @property
    def now(self) -> StepName | None:
        """The step that is being done; None before the first, between two, and after the last."""
        return next((step.name for step in self._steps.values() if step.state == "doing"), None)

    def begin(self, name: StepName, words: str | None = None) -> None:
        """Say that a step is being done, or what it does now. One that was done before ends as it was."""
        self._put(Step(name, "doing", words or STEPS[name]))

    def end(self, name: StepName, words: str) -> None:
        """Say that a step is done, and what it found."""
        self._put(Step(name, "done", words))

    def fail(self, name: StepName, words: str) -> None:
        """Say that a step failed, and why."""
        self._put(Step(name, "failed", words))

    def _put(self, step: Step) -> None:
        if self._steps[step.name] == step:
            return
        self._steps[step.name] = step
        if self._on_change is not None:
            self._on_change(step)
