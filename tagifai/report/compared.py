"""Two versions compared, as parts of a report."""

from collections.abc import Mapping, Sequence
from typing import Any

from tagifai.charts import chart_diffs
from tagifai.charts.verdict import MARKS, show_verdict
from tagifai.report.parts import TEXT, missing, section, table

FEW = 10
DIFFS = {
    "name": "name", "metric": "metric", "points": "B − A, points", "interval": "95 % interval",
    "verdict": "verdict", "a": "A", "b": "B", "support": "projects",
}  # fmt: skip
OF_TWO = (
    ("Diff", "B − A, in points of a hundred; ▲ is higher in B, ▼ lower."),
    (
        "Interval and verdict",
        "95 % interval of a paired bootstrap over the test projects that both have; a verdict is "
        "given only where the difference is more than chance would bring, with false discoveries "
        "over all tags held at 5 % (Benjamini–Hochberg).",
    ),
    ("Greyed", f"Fewer than {FEW} projects."),
)


def show_compared(report: Mapping[str, Any]) -> list[str]:
    """Show verdict, charts and tables: overall, by slice, by tag."""
    result = report["comparison"]
    names = {"name_a": result["a"], "name_b": result["b"]}
    f1 = {
        group: [
            {**row, "few": group != "overall" and (row.get("support") or 0) < FEW}
            for row in result[group]
            if row["metric"] == "f1"
        ]
        for group in ("overall", "slices", "tags")
    }
    drawn = {
        group: chart_diffs(rows, title=title, **names, empty="Nothing that both versions have.")
        for (group, rows), title in zip(
            f1.items(), ("Overall F1", "F1 by slice", "F1 by tag"), strict=True
        )
    }
    tests = [
        row for row in result["behavioral"] if (row["name"], row["metric"]) == ("all", "score")
    ]
    everywhere = [*result["overall"], *({**row, "name": "behavioral tests"} for row in tests)]
    return [
        show_verdict(result),
        section("Overall", drawn["overall"] + _diffs(everywhere)),
        section("Slices", drawn["slices"] + _diffs(result["slices"])),
        section("Tags", drawn["tags"] + _diffs(f1["tags"])),
    ]


def show_flips(report: Mapping[str, Any]) -> str:
    """Show how many decisions B fixed and broke, and those that changed most."""
    counts, flips = report["comparison"]["flips"], report["flips"]
    if counts is None or missing(flips):
        return missing(flips) or "<p>The versions share no test project.</p>"
    parts = [
        f"<p>Of {counts['pairs']:,} decisions on shared test projects, B fixed "
        f"{counts['fixed']:,}, broke {counts['broke']:,} and left {counts['both_wrong']:,} "
        "wrong.</p>"
    ]
    for kind, rows in flips.items():
        shown = [
            {
                **row,
                "text": f"{row['title']} {row['description']}"[:TEXT],
                "truth": "has it" if row["y_true"] else "does not",
            }
            for row in rows
        ]
        columns = {
            "tag": "tag", "id": "id", "text": "project", "truth": "truth",
            "prob_a": "probability, A", "prob_b": "probability, B",
        }  # fmt: skip
        caption = f"What B {kind}, the largest change first"
        parts.append(table(shown, columns, caption=caption, empty=f"B {kind} nothing."))
    return "".join(parts)


def _diffs(rows: Sequence[Mapping[str, Any]]) -> str:
    return table(
        [
            {
                **row,
                "points": _points(row["diff"]),
                "interval": ""
                if row.get("low") is None
                else f"{_points(row['low'])} to {_points(row['high'])}",
                "verdict": MARKS.get(row["verdict"] or "", row["verdict"]),
            }
            for row in rows
        ],
        DIFFS,
    )


def _points(value: float | None) -> str | None:
    return None if value is None else f"{value * 100:+.1f}"
