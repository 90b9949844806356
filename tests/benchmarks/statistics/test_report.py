from benchmarks.statistics.report import (
    MOST_LINES,
    NOTHING,
    Part,
    read_parts,
    readme_table,
    write_parts,
)
from benchmarks.statistics.rows import Row

PARTS = {
    "verdicts": Part(60.0, (Row("a | b", "2 %", "≤ 5 %", True, key=True),)),
    "intervals": Part(30.0, (Row("c", "90 %", "93 – 97 %", False),)),
}


def test_what_is_recorded_comes_back(tmp_path):
    path = tmp_path / "new" / "results.json"
    assert read_parts(path) == {}
    write_parts(PARTS, path)
    assert read_parts(path) == PARTS
    page = (tmp_path / "new" / "results.md").read_text("utf-8")
    assert "90 s on two cores" in page
    assert "## Intervals\n\n| claim | measured | target | |" in page
    assert "| c | 90 % | 93 – 97 % | ✘ |" in page


def test_the_readme_shows_ten_lines_at_most_and_says_what_the_others_came_to(tmp_path):
    path = tmp_path / "results.json"
    assert readme_table(path) == NOTHING
    write_parts(PARTS, path)
    shown = readme_table(path)
    assert "| 2 % |" in shown
    assert "| c |" not in shown
    assert shown.endswith("1 of 2 rows fail: [results.md](benchmarks/statistics/results.md).")
    rows = tuple(Row(f"row {place}", "1", "1", True, key=True) for place in range(14))
    write_parts({"verdicts": Part(1.0, rows)}, path)
    assert readme_table(path).count("| ✔ |") == MOST_LINES == 10
    assert "All 14 rows hold: " in readme_table(path)
