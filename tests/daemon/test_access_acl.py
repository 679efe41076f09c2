"""Who else can read the data folder on Windows, as `icacls` tells it."""

import os
from pathlib import Path

import pytest

from twintap.access import acl

PATH = r"C:\Users\Ada Lovelace\AppData\Local\twintap"
OWN = (r"PRACTICE\Ada Lovelace", "Ada Lovelace")
PRIVATE = rf"""{PATH} NT AUTHORITY\SYSTEM:(OI)(CI)(F)
{" " * len(PATH)} BUILTIN\Administrators:(OI)(CI)(F)
{" " * len(PATH)} PRACTICE\Ada Lovelace:(OI)(CI)(F)

Successfully processed 1 files; Failed processing 0 files
"""
INHERITED = rf"""{PATH} PRACTICE\Front Desk:(RX)
{" " * len(PATH)} Everyone:(I)(OI)(CI)(RX)
{" " * len(PATH)} BUILTIN\Users:(I)(RX)
{" " * len(PATH)} BUILTIN\Users:(I)(CI)(WD,AD)
{" " * len(PATH)} NT AUTHORITY\SYSTEM:(I)(OI)(CI)(F)
{" " * len(PATH)} practice\ada lovelace:(I)(F)
{" " * len(PATH)} CREATOR OWNER:(I)(OI)(CI)(IO)(F)

Successfully processed 1 files; Failed processing 0 files
"""
GERMAN = rf"""{PATH} NT-AUTORITÄT\SYSTEM:(I)(OI)(CI)(F)
{" " * len(PATH)} VORDEFINIERT\Administratoren:(I)(OI)(CI)(F)
{" " * len(PATH)} PRACTICE\Ada Lovelace:(I)(OI)(CI)(F)

1 Dateien erfolgreich verarbeitet, bei 0 Dateien ist ein Verarbeitungsfehler aufgetreten.
"""
DENIED = rf"""{PATH} BUILTIN\Guests:(OI)(CI)(DENY)(F)
{" " * len(PATH)} BUILTIN\Users:(N)
{" " * len(PATH)} PRACTICE\Ada Lovelace:(OI)(CI)(F)
"""


@pytest.mark.parametrize("output", [PRIVATE, GERMAN, DENIED, "", "rubbish\n:::(F)(\n" + PATH])
def test_a_folder_of_one_s_own_has_no_others(output: str) -> None:
    assert acl.others_in(output, PATH, OWN) == []


def test_others_are_named_once_each() -> None:
    assert acl.others_in(INHERITED, PATH, OWN) == [r"PRACTICE\Front Desk", "Everyone", r"BUILTIN\Users"]


def test_the_advice_names_the_folder_the_others_and_one_command() -> None:
    said = acl.advice(Path(PATH), ["Everyone"], OWN[0])
    assert "Everyone" in said
    assert f'icacls "{PATH}" /inheritance:r' in said
    assert r'"PRACTICE\Ada Lovelace:(OI)(CI)F"' in said


@pytest.mark.skipif(os.name == "nt", reason="there it asks")
def test_elsewhere_nothing_is_asked(tmp_path: Path) -> None:
    assert acl.warning_for(tmp_path) is None
