"""Whether the benchmarks say what was measured."""

import json

from tests.bench.report import Goal, HostLateness, Report, Table, above, ratio, spread


def test_a_spread_is_of_absolute_values_by_rank():
    assert spread([-4.0, *range(1, 100)]) == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 99.0}
    assert spread([-500.0, 1.0])["max"] == 500.0
    assert set(spread([]).values()) == {None}


def test_what_was_not_measured_gives_no_number():
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(3.0, 0.0) is None
    assert ratio(None, 2.0) is None
    assert above(5.0, 2.0) == 3.0
    assert above(5.0, None) is None


def test_a_goal_says_whether_it_is_met():
    assert Goal("p99", 120.0, 120.0).met is True
    assert Goal("p99", 120.1, 120.0).met is False
    assert Goal("times", 3.9, 4.0, at_least=True).met is False
    assert Goal("p99", None, 120.0).met is None
    assert str(Goal("p99", 130.0, 120.0)).startswith("MISSED")


def test_a_table_has_every_column_of_every_row_in_line():
    table = Table("one", "One", [{"air": "quiet", "p50": 1.25}, {"air": "bad", "p99": 1234.5}])
    lines = table.text().splitlines()
    assert lines[1] == "== One"
    assert lines[2].split() == ["air", "p50", "p99"]
    assert lines[4].split() == ["quiet", "1.25", "-"]
    assert lines[5].split() == ["bad", "-", "1234"]
    assert (
        len({line.rstrip().rfind(last) + len(last) for line, last in ((lines[2], "p99"), (lines[5], "1234"))})
        == 1
    )


def test_the_file_is_whole_after_each_table_and_names_the_machine(tmp_path, capsys):
    report = Report(tmp_path / "run", {"only": None})
    report.add(Table("one", "One", [{"a": 1}], [Goal("g", 1.0, 2.0)]))
    report.add(Table("two", "Two", [{"b": None}]))
    held = json.loads(report.path.read_text())
    assert list(held["benchmarks"]) == ["one", "two"]
    assert held["benchmarks"]["one"]["goals"][0]["met"] is True
    assert held["machine"]["cores"] >= 1
    assert "== Two" in capsys.readouterr().out


def test_the_hosts_own_lateness_is_measured():
    with HostLateness() as host:
        while len(host._late_us) < 3:
            pass
    assert host.spread_us["max"] > 0
    assert "p99" in str(host)
