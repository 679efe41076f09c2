"""The report's words: from the one file that has the screen's words too, under `report.`."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_FILE = ("screen", "text.en.json")


@cache
def _words() -> Mapping[str, str]:
    found: Mapping[str, str] = json.loads(files("twintap").joinpath(*_FILE).read_text("utf-8"))
    return found


def word(key: str, **parts: object) -> str:
    """Give the text at `report.KEY` with `{name}` replaced by each part. Raises KeyError for a key not there.

    Where a part is called `n`, `KEY.one` is taken for 1 if there is one.
    """
    texts = _words()
    one = f"report.{key}.one"
    text = texts[one] if parts.get("n") == 1 and one in texts else texts[f"report.{key}"]
    # Replaced one by one: what a person typed may hold braces, and is no format.
    for name, part in parts.items():
        text = text.replace("{" + name + "}", str(part))
    return text
