"""What a clinic sets for itself: named pacings, when to be prompted, what to be reminded of.

What is here at first are conventions, none of them a guideline; every one is the therapist's to change.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from .core.pacing import MAX_PASSES, MAX_RAMP_MS, MAX_RATE_HZ, MIN_PULSE_MS, MIN_RATE_HZ, OPEN_WORD, Pacing
from .journal.types import Kind, MarkName, PhaseName
from .strict import Strict

_PRESETS_MAX = 100
_REMINDERS_MAX = 50

_Name = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
_PresetId = Literal["standard", "fast", "slow", "resourcing", "installation", "closing", "medicine", "open"]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
_Pct = Annotated[float, Field(ge=0, le=100)]


class _Strict(Strict):
    model_config = ConfigDict(allow_inf_nan=False)


class PresetPacing(_Strict):
    """A pacing as a start or a change takes it. A level left out: the client's own, or what is set."""

    rate_hz: Annotated[float, Field(ge=MIN_RATE_HZ, le=MAX_RATE_HZ)]
    pulse_ms: Annotated[int, Field(ge=MIN_PULSE_MS, le=5_000)] = 100
    ramp_ms: Annotated[int, Field(ge=0, le=MAX_RAMP_MS)] = 1_000
    passes: Annotated[int, Field(ge=1, le=MAX_PASSES)] | Literal["open"] = "open"
    left_pct: _Pct | None = None
    right_pct: _Pct | None = None


class Preset(_Strict):
    """A named pacing. `phase`, `kind`: where it is offered first; None: everywhere.

    `id`: of one that came with twintap and has kept its name: a screen may say that in its own language.
    """

    name: _Name
    id: _PresetId | None = None
    phase: PhaseName | None = None
    kind: Kind | None = None
    pacing: PresetPacing


def _conventions() -> list[Preset]:
    return [
        Preset(id="standard", name="Standard", pacing=PresetPacing(rate_hz=1.0, passes=24)),
        Preset(id="fast", name="Fast", pacing=PresetPacing(rate_hz=1.5, passes=30)),
        Preset(id="slow", name="Slow", pacing=PresetPacing(rate_hz=0.7, passes=16, ramp_ms=2_000)),
        Preset(
            id="resourcing",
            name="Resourcing",
            phase="resourcing",
            pacing=PresetPacing(rate_hz=0.4, pulse_ms=200, passes=6, ramp_ms=2_000),
        ),
        Preset(
            id="installation",
            name="Installation",
            phase="installation",
            pacing=PresetPacing(rate_hz=1.0, passes=12),
        ),
        Preset(
            id="closing",
            name="Closing",
            phase="closure",
            pacing=PresetPacing(rate_hz=0.4, pulse_ms=200, passes=8, ramp_ms=3_000),
        ),
        Preset(
            id="medicine",
            name="Medicine, low and slow",
            kind="medicine",
            pacing=PresetPacing(
                rate_hz=0.4, pulse_ms=250, ramp_ms=6_000, passes="open", left_pct=15.0, right_pct=15.0
            ),
        ),
        Preset(id="open", name="Open", pacing=PresetPacing(rate_hz=1.0, passes=OPEN_WORD)),
    ]


class Presets(_Strict):
    """The named pacings, in the order in which they are shown."""

    presets: Annotated[list[Preset], Field(max_length=_PRESETS_MAX)] = Field(default_factory=_conventions)

    def check(self) -> None:
        """Raise `Refused` for a pacing that no set can have, or that is wider than half a pass."""
        for preset in self.presets:
            Pacing().with_changes(preset.pacing.model_dump(exclude_none=True))


class Reminder(_Strict):
    """What the clinic wants said. `after_mark`: so many minutes after that mark; None: after the opening.

    `kind`: in visits of that kind alone; None: in every one. It reminds, and keeps nobody from anything.
    """

    kind: Kind | None = None
    after_mark: MarkName | None = None
    after_min: Annotated[int, Field(ge=0, le=24 * 60)]
    text: _Words


class Settings(_Strict):
    """The clinic's settings. `sud_prompt_at`: a SUD of so much or more asks for a word; None: never."""

    sud_prompt_at: Annotated[int, Field(ge=0, le=10)] | None = 8
    reminders: Annotated[list[Reminder], Field(max_length=_REMINDERS_MAX)] = Field(
        default_factory=list[Reminder]
    )


class PresetsFile(_Strict):
    """`presets.json`."""

    schema_version: Literal[1]
    presets: list[Preset]


class SettingsFile(_Strict):
    """`settings.json`."""

    schema_version: Literal[1]
    settings: Settings
