"""The case handlers and what they are made of, for tests that drive them with cases of their own.

They are scripts' modules, found on the path beside `run_cases.py`; here they are loaded the same way.
"""

import importlib
import sys
from pathlib import Path

from twintap_protocol.errors import RemoteError

_HERE = str(Path(__file__).parent)
if _HERE not in sys.path:
    sys.path.append(_HERE)


def refusal_of(call, *args):
    """The reason for which `call(*args)` raises RemoteError, or None if it does not."""
    try:
        call(*args)
    except RemoteError as error:
        return error.reason
    return None


case_kit = importlib.import_module("case_kit")
cases_frames = importlib.import_module("cases_frames")
cases_schedule = importlib.import_module("cases_schedule")
