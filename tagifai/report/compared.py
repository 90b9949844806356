"""Two versions compared, as parts of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tagifai.charts import chart_diffs
from tagifai.charts.verdict import MARKS, VERDICT_TERMS, show_verdict
from tagifai.comparison.results import Comparison, DiffRow
from tagifai.report.parts import TEXT, missing, section, table

DIFFS = {
    "name": "name",
    "metric": "metric",
    "points": "B − A, points",
    "interval": "95 % interval",
    "verdict": "verdict",
    "a": "A",
    "b": "B",
    "support": "projects",
}
OF_TWO = (("Diff", "B − A, in points of a hundred."), *VERDICT_TERMS)


def show_compared(report: Mapping[str, Any]) -> list[str]:
    """Show verdict, charts and tables: overall, by slice, by tag."""
    result: Comparison = report["comparison"]
    drawn = {
        group: chart_diffs(
            result.rows(group, "f1"),
            title=title,
            name_a=result.a,
            name_b=result.b,
            empty="Nothing that both versions have.",
        )
        for group, title in (
            ("overall", "Overall F1"),
            ("slices", "F1 by slice"),
            ("tags", "F1 by tag"),
        )
    }
    tests = [
        {**asdict(row), "name": "behavioral tests"}
        for row in result.behavioral
        if (row.name, row.metric) == ("all", "score")
    ]
    return [
        show_verdict(result),
        section("Overall", drawn["overall"] + _diffs(result.overall, tests)),
        section("Slices", drawn["slices"] + _diffs(result.slices)),
        section("Tags", drawn["tags"] + _diffs(result.rows("tags", "f1"))),
    ]


def show_flips(report: Mapping[str, Any]) -> str:
    """Show how many decisions B fixed and broke, and those that changed most."""
    counts, flips = report["comparison"].flips, report["flips"]
    if counts is None or missing(flips):
        return missing(flips) or "<p>The versions share no test project.</p>"
    parts = [
        f"<p>Of {counts.pairs:,} decisions on shared test projects, B fixed {counts.fixed:,}, "
        f"broke {counts.broke:,} and left {counts.both_wrong:,} wrong.</p>"
    ]
    for kind, rows in flips.items():
        shown = [
            {
                **asdict(row.flip),
                "text": f"{row.title} {row.description}"[:TEXT],
                "truth": "has it" if row.flip.y_true else "does not",
            }
            for row in rows
        ]
        columns = {
            "tag": "tag",
            "id": "id",
            "text": "project",
            "truth": "truth",
            "prob_a": "probability, A",
            "prob_b": "probability, B",
        }
        caption = f"What B {kind}, the largest change first"
        parts.append(table(shown, columns, caption=caption, empty=f"B {kind} nothing."))
    return "".join(parts)


def _diffs(rows: Sequence[DiffRow], others: Sequence[Mapping[str, Any]] = ()) -> str:
    return table(
        [
            {
                **row,
                "points": _points(row["diff"]),
                "interval": ""
                if row["low"] is None
                else f"{_points(row['low'])} to {_points(row['high'])}",
                "verdict": MARKS.get(row["verdict"] or "", row["verdict"]),
            }
            for row in [*map(asdict, rows), *others]
        ],
        DIFFS,
    )


def _points(value: float | None) -> str | None:
    return None if value is None else f"{value * 100:+.1f}"
