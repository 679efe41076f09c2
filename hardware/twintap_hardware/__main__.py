"""Build every output of hardware/, check every rule: `python -m twintap_hardware [--check] [--only NAME]`.

Built anew in a folder of its own, then laid beside hardware/out/: what differs is named, and (without
`--check`) put there. Exit status: 0 all is well, 1 a rule is broken (with `--check` also: an output is not
as committed), 2 the command line is wrong.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import argparse
import importlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from . import catalogue, facts, outputs
from .places import OUT

# In the order of building: later ones may read what earlier ones made. Each has `check() -> list[str]`
# (breaches) and, if it makes something, `build(out: Path) -> list[Path]`; what "case" makes, "checks" checks.
MODULES = (
    "facts",
    "catalogue",
    "netlist",
    "rules",
    "schematic",
    "stripboard_drawing",
    "bom",
    "figures",
    "safety",
    "case",
    "checks",
    "pictures",
    "guide",
    "outputs",
)


def _modules(only: Sequence[str]) -> list[tuple[str, ModuleType]]:
    return [
        (name, importlib.import_module(f"{__package__}.{name}"))
        for name in MODULES
        if not only or name in only
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, check, compare; say what was found on standard output. Gives the exit status."""
    parser = argparse.ArgumentParser(prog="twintap_hardware", description="Build and check hardware/out.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out/ is not as built")
    parser.add_argument("--only", action="append", default=[], choices=MODULES, help="just this module")
    parser.add_argument("--unverified", action="store_true", help="list what nobody has read in a source")
    options = parser.parse_args(arguments)
    if options.unverified:
        for each in facts.unverified():
            print(f"{each.name} = {each.value} {each.unit}: {each.source}")
        for kind in catalogue.unverified():
            print(f"ordering number {kind.maker} {kind.number} ({kind.name}): as remembered")
        return 0

    breaches: list[str] = []
    modules = _modules(options.only)
    with tempfile.TemporaryDirectory(prefix="twintap-hardware-") as folder:
        built = Path(folder) / "out"
        built.mkdir()
        for name, module in modules:
            if hasattr(module, "build"):
                made: list[Path] = module.build(built)
                print(f"{name}: {len(made)} output{'' if len(made) == 1 else 's'}")
        found = outputs.differences(built, OUT)
        if options.only:
            found = [each for each in found if (built / each.path).exists()]
        for each in found:
            print(f"hardware/out/{each.path} {each.how}")
        if not options.check:
            _lay_out(built, found)
    # After laying out: the checks read what is in out/, as the tests do.
    for name, module in modules:
        if hasattr(module, "build") and not hasattr(module, "check"):
            continue
        breaches += [f"{name}: {breach}" for breach in module.check()]

    for breach in breaches:
        print(f"BREACH {breach}")
    print(
        f"{len(breaches)} breaches; {len(found)} outputs not as they were; unverified: "
        f"{len(facts.unverified())} of {len(facts.facts())} numbers, "
        f"{len(catalogue.unverified())} of {len(catalogue.kinds())} ordering numbers "
        "(--unverified lists them)"
    )
    return 1 if breaches or (options.check and found) else 0


def _lay_out(built: Path, found: Sequence[outputs.Difference]) -> None:
    """Bring out/ to what was built; what is the same keeps its bytes."""
    for each in found:
        target = OUT / each.path
        if (built / each.path).exists():  # what is no longer built is named, and taken away by hand
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(built / each.path, target)


if __name__ == "__main__":
    sys.exit(main())
