"""Models of what comes in: nothing beyond their fields, no number for a text, numbers as JSON has them."""

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, model_validator

# Beyond it a float is a whole number because it can be nothing else.
_EXACT = 2**53


class Strict(BaseModel):
    """A strict model. A number like 7.0 is a whole one, as in JSON Schema, whatever program wrote it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _whole_numbers(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = cast("dict[Any, Any]", value)
        return {
            name: int(part) if isinstance(part, float) and part.is_integer() and abs(part) <= _EXACT else part
            for name, part in fields.items()
        }
