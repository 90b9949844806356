from benchmarks.statistics.report import (
    MOST_LINES,
    NOTHING,
    Part,
    count_rows,
    key_rows,
    read_parts,
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


def test_the_page_shows_ten_lines_at_most_and_says_what_the_others_came_to(tmp_path):
    path = tmp_path / "results.json"
    assert key_rows(path) == NOTHING
    write_parts(PARTS, path)
    shown = key_rows(path)
    assert "| 2 % |" in shown
    assert "| c |" not in shown
    assert count_rows(path) == (1, 2)
    assert shown.endswith("1 of 2 rows fail: see `benchmarks/statistics/results.md`.")
    rows = tuple(Row(f"row {place}", "1", "1", True, key=True) for place in range(14))
    write_parts({"verdicts": Part(1.0, rows)}, path)
    assert key_rows(path).count("| ✔ |") == MOST_LINES == 10
    assert "All 14 rows hold: " in key_rows(path)
