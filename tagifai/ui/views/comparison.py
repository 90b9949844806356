"""What the Performance tab shows of versions and of two compared."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import orjson
from markupsafe import Markup

from tagifai.charts import chart_diffs
from tagifai.charts.curves import chart_lines
from tagifai.charts.verdict import MARKS, mark
from tagifai.comparison.results import Comparison, DiffRow, ParamDiff
from tagifai.comparison.verdicts import BETTER, ENOUGH_POSITIVES, TOO_FEW, WORSE
from tagifai.metrics.ranking import list_ranking
from tagifai.services.comparisons import FlippedProject
from tagifai.store.history import HistoryRow
from tagifai.ui.views.markup import show_table
from tagifai.ui.views.templates import render

GROUPS = {"overall": "overall", "tags": "by tag", "slices": "by slice", "behavioral": "behavioral"}
MOST_NOTES = 10


def render_history(
    rows: Sequence[HistoryRow],
    intervals: Mapping[str, Sequence[tuple[float, float] | None]],
    support: Mapping[str, int],
) -> str:
    """Render metrics as lines over versions, with the intervals of the latest ones.

    What rests on too little to tell, by `support`, is grey and says on how much.
    """
    readable = [row for row in rows if row.error is None]
    labels = list(readable[0].figures) if readable else []
    return chart_lines(
        {label: [row.figures[label] for row in readable] for label in labels},
        [row.version for row in readable],
        title="Metrics on each version's own test split",
        y_label="share; thin lines: 95 % intervals",
        empty="No version has one of these metrics.",
        intervals={
            label: [None] * (len(readable) - len(ends)) + list(ends)
            for label, ends in intervals.items()
        },
        few={label: n for label, n in support.items() if n < ENOUGH_POSITIVES},
    )


def render_version_notes(notes: Mapping[str, str]) -> str:
    """Render what the figures of versions leave out, by version; "" where it is nothing."""
    by_note: dict[str, list[str]] = {}
    for name, note in notes.items():
        by_note.setdefault(note, []).append(name)
    if not by_note:
        return ""
    shown = [(_some(names), note) for note, names in by_note.items()][-MOST_NOTES:]
    return str(render("history_notes.html", notes=shown, more=len(by_note) - MOST_NOTES))


def _some(names: list[str]) -> str:
    rest = len(names) - MOST_NOTES
    return (f"{rest:,} earlier versions, " if rest > 0 else "") + ", ".join(names[-MOST_NOTES:])


def render_history_table(rows: Sequence[HistoryRow]) -> str:
    """Render the key metrics as a table, the latest version first."""
    labels = list(rows[0].figures) if rows else []
    return show_table(
        [row.to_dict() for row in rows[::-1][:200]],
        {"version": "version", **{label: label for label in labels}},
        empty="No version yet.",
    )


def render_overall(result: Comparison, metric: str) -> str:
    """Render the differences of the averages, and of the behavioral score."""
    rows = [
        *_renamed(result.rows("overall", metric), {"weighted": "weighted by support"}),
        *_renamed(
            [r for r in result.behavioral if (r.name, r.metric) == ("all", "score")],
            {"all": "behavioral score"},
        ),
    ]
    return chart_diffs(
        rows,
        title=f"Overall {metric}",
        name_a=result.a,
        name_b=result.b,
        empty="No figure that both have.",
    )


def render_ranking(performances: Mapping[str, Mapping[str, object]]) -> str:
    """Render how well versions of many tags order them, side by side; "" where none says so.

    Parameters
    ----------
    performances : mapping
        The performance of each version, by its name.
    """
    found = {name: list_ranking(performance) for name, performance in performances.items()}
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for version, listed in found.items():
        for row in listed:
            shown = rows.setdefault((row.name, row.metric), {"name": row.name})
            shown |= {"metric": row.metric, version: row.value, "samples": row.samples}
    if not rows:
        return ""
    columns = {"name": "of", "metric": "metric", **{name: name for name in found}}
    return show_table(
        list(rows.values()),
        {**columns, "samples": "projects or labels"},
        empty="",
        caption="Order of tags: the k most probable tags of a project, and frequent and rare tags",
    )


def render_slices(result: Comparison, metric: str) -> str:
    """Render the differences by slice."""
    return chart_diffs(
        result.rows("slices", metric),
        title=f"{metric} by slice",
        name_a=result.a,
        name_b=result.b,
        empty="No slice that both have.",
    )


def render_tag_chart(result: Comparison, metric: str) -> str:
    """Render the differences by tag."""
    return chart_diffs(
        result.rows("tags", metric),
        title=f"{metric} by tag",
        name_a=result.a,
        name_b=result.b,
        empty="No tag that both have.",
    )


def render_changes(result: Comparison, metric: str, sign: int) -> str:
    """Render what is better (`sign` 1) or worse (−1), then what merely is higher or lower.

    Only verdicts are counted. Those whose difference is surest come first: by the end of the
    interval that is nearer to zero.
    """
    wanted = BETTER if sign > 0 else WORSE
    found = [
        (group, row)
        for group in GROUPS
        for row in result.rows(group)
        if row.diff is not None and row.diff * sign > 0 and row.metric in (metric, "score")
    ]
    found.sort(key=lambda pair: (pair[1].verdict != wanted, -pair[1].near_end))
    count = sum(row.verdict == wanted for _, row in found)
    title, way = ("Improvements", "higher") if sign > 0 else ("Regressions", "lower")
    records = [
        {
            "where": GROUPS[group],
            "name": row.name,
            "diff": _points_with_interval(row),
            "values": f"{row.a:.3f} → {row.b:.3f}",
            "verdict": _verdict(row),
            "support": row.support,
            "few": row.verdict == TOO_FEW,
        }
        for group, row in found
    ]
    table = show_table(
        records,
        {
            "where": "where",
            "name": "name",
            "diff": "points (95 % interval)",
            "values": "A → B",
            "verdict": "verdict",
            "support": "projects",
        },
        empty=f"Nothing is {way}.",
    )
    return str(
        render(
            "changes.html",
            mark=MARKS[wanted][0],
            title=title,
            metric=metric,
            count=count,
            others=len(found) - count,
            way=way,
            table=Markup(table),  # noqa: S704
        )
    )


def render_tags(rows: Sequence[DiffRow], a: str, b: str) -> str:
    """Render every tag with its interval and verdict; a row opens its flips."""
    records = [
        {
            **asdict(row),
            "points": _points(row.diff),
            "interval": _interval(row),
            "verdict": _verdict(row),
            "few": row.verdict == TOO_FEW,
        }
        for row in rows
    ]
    return show_table(
        records,
        {
            "name": "tag",
            "a": f"A: {a}",
            "b": f"B: {b}",
            "points": "B − A, points",
            "interval": "95 % interval",
            "verdict": "verdict",
            "support": "projects",
        },
        row_key="name",
        empty="No tag to compare.",
        caption="By verdict, then by the end of the interval that is nearer to zero. "
        "Choose a row to see the decisions that changed",
    )


def render_params(result: Comparison, only_differences: bool, query: str) -> str:
    """Render hyperparameters of both versions whose name or value holds `query`."""
    rows = [
        {"name": row.name, "a": _value(row, "a"), "b": _value(row, "b")}
        for row in result.params
        if (row.status != "same" or not only_differences)
        and query.casefold() in f"{row.name} {row.a} {row.b}".casefold()
    ]
    empty = (
        "No hyperparameter matches." if query else "The two versions have the same hyperparameters."
    )
    return show_table(
        rows,
        {"name": "parameter", "a": f"A: {result.a}", "b": f"B: {result.b}"},
        empty=empty,
    )


def _renamed(rows: Sequence[DiffRow], names: Mapping[str, str]) -> list[DiffRow]:
    return [replace(row, name=names.get(row.name, row.name)) for row in rows]


def _points(value: float | None) -> str | None:
    return None if value is None else f"{value * 100:+.1f}"


def _interval(row: DiffRow) -> str:
    if row.low is None or row.high is None:
        return ""
    return f"{_points(row.low)} to {_points(row.high)}"


def _points_with_interval(row: DiffRow) -> str:
    interval = _interval(row)
    return f"{mark(row.verdict, row.diff)} {_points(row.diff)}" + (interval and f" ({interval})")


def _verdict(row: DiffRow) -> str:
    return MARKS.get(row.verdict or "", row.verdict or "no verdict")


def _value(row: ParamDiff, side: str) -> str:
    lacking = {"added": "a", "removed": "b"}.get(row.status)
    return "not set" if side == lacking else orjson.dumps(getattr(row, side)).decode()


def render_flipped(rows: Sequence[FlippedProject], tag: str, a: str, b: str) -> str:
    """Render the projects whose decision on a tag was fixed, broken or left wrong."""
    records = [
        {
            "kind": {"fixed": "▲ fixed", "broke": "▼ broke"}.get(row.flip.kind, row.flip.kind),
            "id": row.flip.id,
            "text": f"{row.title} {row.description}".strip() or "(no longer in the data)",
            "truth": "has the tag" if row.flip.y_true else "does not",
            "prob_a": row.flip.prob_a,
            "prob_b": row.flip.prob_b,
        }
        for row in rows[:100]
    ]
    return show_table(
        records,
        {
            "kind": "what B did",
            "id": "id",
            "text": "project",
            "truth": "truth",
            "prob_a": f"probability, {a}",
            "prob_b": f"probability, {b}",
        },
        empty=f"Both versions decide every shared test project rightly on {tag}.",
        caption=f"Decisions on {tag} that B fixed, broke or left wrong: {len(rows)}",
    )
