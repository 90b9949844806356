"""The command: what it prints, records, and ends with."""

import pytest

from benchmarks.statistics import __main__ as command
from benchmarks.statistics.report import Part, read_parts, write_parts
from benchmarks.statistics.rows import Row


@pytest.fixture
def parts(monkeypatch):
    held, failed = Row("holds", "1", "1", True), Row("fails", "2", "1", False)
    found = {"good": lambda settings: [held], "bad": lambda settings: [held, failed]}
    monkeypatch.setattr(command, "PARTS", found)
    return held, failed


@pytest.mark.parametrize(("only", "status"), [("good", 0), ("bad", 3)])
def test_it_ends_with_3_if_a_row_fails(parts, tmp_path, capsys, only, status):
    assert command.main(["--only", only, "--out", str(tmp_path / "results.json")]) == status
    assert "| holds | 1 | 1 | ✔ |" in capsys.readouterr().out


def test_parts_that_were_not_asked_for_stay_as_recorded(parts, tmp_path):
    held, failed = parts
    path = tmp_path / "results.json"
    write_parts({"good": Part(9.0, (failed,)), "bad": Part(9.0, (failed,))}, path)
    command.main(["--only", "bad", "--out", str(path)])
    recorded = read_parts(path)
    assert [*recorded] == ["good", "bad"]
    assert recorded["good"] == Part(9.0, (failed,))
    assert recorded["bad"].rows == (held, failed)


def test_a_quick_run_records_nothing(parts, tmp_path):
    command.main(["--quick", "--out", str(tmp_path / "results.json")])
    assert list(tmp_path.iterdir()) == []


def test_all_parts_can_be_measured():
    assert all(callable(measure) for measure in command.PARTS.values())
    assert next(iter(command.PARTS)) == "verdicts"
