"""Two versions compared, as sections of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from markupsafe import Markup

from tagifai.charts import chart_diffs
from tagifai.charts.verdict import MARKS, VERDICT_TERMS
from tagifai.comparison.results import Comparison, DiffRow, Flips
from tagifai.report import Missing
from tagifai.report.parts import TEXT, note, paragraph, table
from tagifai.services.comparisons import FlippedProject

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
FLIPS = {
    "tag": "tag",
    "id": "id",
    "text": "project",
    "truth": "truth",
    "prob_a": "probability, A",
    "prob_b": "probability, B",
}
OF_TWO = (("Diff", "B − A, in points of a hundred."), *VERDICT_TERMS)


def compared_sections(result: Comparison) -> list[tuple[str, Markup]]:
    """List the headings and contents of what is compared: overall, by slice, by tag."""
    tests = [
        replace(row, name="behavioral tests")
        for row in result.behavioral
        if (row.name, row.metric) == ("all", "score")
    ]
    return [
        ("Overall", _chart(result, "overall", "Overall F1") + _diffs([*result.overall, *tests])),
        ("Slices", _chart(result, "slices", "F1 by slice") + _diffs(result.slices)),
        ("Tags", _chart(result, "tags", "F1 by tag") + _diffs(result.rows("tags", "f1"))),
    ]


def flips_section(
    counts: Flips | None, flips: Mapping[str, list[FlippedProject]] | Missing
) -> Markup:
    """Show how many decisions B fixed and broke, and those that changed most."""
    if isinstance(flips, Missing):
        return note(flips.why)
    if counts is None:
        return paragraph("The versions share no test project.")
    shown = paragraph(
        f"Of {counts.pairs:,} decisions on shared test projects, B fixed {counts.fixed:,}, "
        f"broke {counts.broke:,} and left {counts.both_wrong:,} wrong."
    )
    for kind, rows in flips.items():
        records = [
            {
                **asdict(row.flip),
                "text": f"{row.title} {row.description}"[:TEXT],
                "truth": "has it" if row.flip.y_true else "does not",
            }
            for row in rows
        ]
        caption = f"What B {kind}, the largest change first"
        shown += table(records, FLIPS, caption=caption, empty=f"B {kind} nothing.")
    return shown


def _chart(result: Comparison, group: str, title: str) -> Markup:
    return Markup(  # noqa: S704
        chart_diffs(
            result.rows(group, "f1"),
            title=title,
            name_a=result.a,
            name_b=result.b,
            empty="Nothing that both versions have.",
        )
    )


def _diffs(rows: Sequence[DiffRow]) -> Markup:
    records = [
        {
            **asdict(row),
            "points": _points(row.diff),
            "interval": "" if row.low is None else f"{_points(row.low)} to {_points(row.high)}",
            "verdict": MARKS.get(row.verdict or "", row.verdict),
        }
        for row in rows
    ]
    return table(records, DIFFS)


def _points(value: float | None) -> str | None:
    return None if value is None else f"{value * 100:+.1f}"
