"""Both VMs run every case of every vector file, and agree with it."""

import json
from pathlib import Path

import pytest

from tests.protocol.vms import VECTORS, VMS, run_under

RUNNER = Path(__file__).with_name("run_cases.py")
VECTOR_FILES = sorted(VECTORS.glob("*.json"))


@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize("path", VECTOR_FILES, ids=lambda path: path.stem)
def test_every_case_holds(vm, path):
    names = [case["name"] for case in json.loads(path.read_text())["cases"]]
    done = run_under(vm, RUNNER, path)
    assert done.stdout.splitlines() == [f"ok {name}" for name in names], done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("path", VECTOR_FILES, ids=lambda path: path.stem)
def test_vector_file_says_where_it_is_from_and_names_each_case_once(path):
    vectors = json.loads(path.read_text())
    assert vectors["source"]
    names = [case["name"] for case in vectors["cases"]]
    assert names
    assert len(set(names)) == len(names)
    assert not [name for name in names if "\n" in name]


# A runner that never fails would make every file above worth nothing.


def _changed_vectors(tmp_path, name, change):
    vectors = json.loads((VECTORS / name).read_text())
    change(vectors)
    path = tmp_path / name
    path.write_text(json.dumps(vectors))
    return path


def _flip_last_digit(case, field):
    case[field] = case[field][:-1] + ("0" if case[field][-1] != "0" else "1")


@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ccm.json", lambda case: _flip_last_digit(case, "sealed")),
        ("ccm.json", lambda case: case.update(refused="tag")),
        ("hmac.json", lambda case: _flip_last_digit(case, "mac")),
        ("hkdf.json", lambda case: _flip_last_digit(case, "okm")),
        ("replay.json", lambda case: case["steps"].append([0, True])),
    ],
)
def test_runner_fails_a_wrong_case_alone(vm, tmp_path, name, change):
    path = _changed_vectors(tmp_path, name, lambda vectors: change(vectors["cases"][1]))
    cases = json.loads(path.read_text())["cases"]
    done = run_under(vm, RUNNER, path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[1].startswith(f"FAIL {cases[1]['name']} ")
    assert lines[:1] + lines[2:] == [f"ok {case['name']}" for case in cases[:1] + cases[2:]]


@pytest.mark.parametrize("vm", VMS)
def test_runner_refuses_a_kind_without_handler(vm, tmp_path):
    path = _changed_vectors(tmp_path, "hmac.json", lambda vectors: vectors.update(kind="unheard-of"))
    done = run_under(vm, RUNNER, path)
    assert done.returncode == 2
    assert "unheard-of" in done.stdout


@pytest.mark.parametrize("vm", VMS)
def test_runner_refuses_a_file_without_cases(vm, tmp_path):
    path = _changed_vectors(tmp_path, "hmac.json", lambda vectors: vectors.update(cases=[]))
    assert run_under(vm, RUNNER, path).returncode == 1


@pytest.mark.parametrize("vm", VMS)
def test_runner_refuses_to_run_nothing(vm):
    assert run_under(vm, RUNNER).returncode == 2


@pytest.mark.parametrize("vm", VMS)
def test_one_failing_file_among_several_fails_the_run(vm, tmp_path):
    bad = _changed_vectors(tmp_path, "hmac.json", lambda vectors: vectors.update(cases=[]))
    assert run_under(vm, RUNNER, bad, VECTORS / "hmac.json").returncode == 1
