"""Runs vector files against twintap_protocol, under CPython and under MicroPython, unchanged.

    run_cases.py VECTOR_FILE...

A vector file is one JSON object: `kind`, which names its handler; `source`, where the values come from; and
`cases`, objects with a `name` and whatever the handler reads. Each module `cases_*.py` beside this script
has a table `HANDLERS`, from kind to a function of one case that raises if the case does not hold.

Prints one line a case, `ok NAME` or `FAIL NAME why`; exits 1 if a case fails or a file has none, 2 if a file
has a kind without a handler, or none is given.
"""

import json
import os
import sys


def load_handlers(folder):
    """Give the joined `HANDLERS` of every cases_*.py in `folder`, which is on the path."""
    handlers = {}
    for file_name in sorted(os.listdir(folder)):
        if file_name.startswith("cases_") and file_name.endswith(".py"):
            for kind, handler in __import__(file_name[:-3]).HANDLERS.items():
                if kind in handlers:
                    raise ValueError(f"kind {kind} has two handlers, one in {file_name}")
                handlers[kind] = handler
    return handlers


def run_file(path, handlers):
    """Run one vector file, printing a line a case; give the exit code that it calls for."""
    with open(path) as file:
        vectors = json.load(file)
    kind = vectors["kind"]
    if kind not in handlers:
        print(f"FAIL {path} no handler for kind {kind}")
        return 2
    if not vectors["cases"]:
        print(f"FAIL {path} has no cases")
        return 1
    exit_code = 0
    for case in vectors["cases"]:
        try:
            handlers[kind](case)
        except Exception as error:  # noqa: BLE001 (whatever a case raises, it fails, and the rest still run)
            exit_code = 1
            print(f"FAIL {case['name']} {type(error).__name__}: {error}")
        else:
            print(f"ok {case['name']}")
    return exit_code


def main(paths):
    """Run all vector files; give the highest of their exit codes."""
    if not paths:
        print("usage: run_cases.py VECTOR_FILE...", file=sys.stderr)
        return 2
    here = __file__.rpartition("/")[0] or "."
    handlers = load_handlers(here)
    return max(run_file(path, handlers) for path in paths)


sys.exit(main(sys.argv[1:]))
