"""What the Performance tab shows of versions and of two compared."""

from collections.abc import Mapping
from typing import Any

import orjson

from tagifai.charts import chart_diffs
from tagifai.charts.curves import chart_lines
from tagifai.charts.svg import escaped
from tagifai.charts.verdict import MARKS, show_verdict
from tagifai.ui.markup import show_table

GROUPS = {"overall": "overall", "tags": "by tag", "slices": "by slice", "behavioral": "behavioral"}
FEW = 10
MOST_NOTES = 10


def show_history(rows: list[dict[str, Any]], intervals: Mapping[str, Any]) -> str:
    """Draw metrics as lines over versions, with the intervals of the latest ones."""
    readable = [row for row in rows if row["error"] is None]
    labels = [key for key in (readable[0] if readable else {}) if key not in ("version", "error")]
    return chart_lines(
        {label: [row[label] for row in readable] for label in labels},
        [row["version"] for row in readable],
        title="Metrics on each version's own test split",
        y_label="share; thin lines: 95 % intervals",
        empty="No version has one of these metrics.",
        intervals={
            label: [None] * (len(readable) - len(ends)) + list(ends)
            for label, ends in intervals.items()
        },
    )


def show_version_notes(notes: Mapping[str, str]) -> str:
    """Show what the figures of versions leave out, by version; "" where it is nothing."""
    by_note: dict[str, list[str]] = {}
    for name, note in notes.items():
        by_note.setdefault(note, []).append(name)
    told = [
        f"{escaped(_some(names), 300)}: {escaped(note, 200)}" for note, names in by_note.items()
    ]
    more = f" And {len(told) - MOST_NOTES:,} other notes." if len(told) > MOST_NOTES else ""
    return f'<p class="minor">{" ".join(told[-MOST_NOTES:])}{more}</p>' if told else ""


def _some(names: list[str]) -> str:
    rest = len(names) - MOST_NOTES
    return (f"{rest:,} earlier versions, " if rest > 0 else "") + ", ".join(names[-MOST_NOTES:])


def show_history_table(rows: list[dict[str, Any]]) -> str:
    """Show the key metrics as a table, the latest version first."""
    labels = [key for key in (rows[0] if rows else {}) if key not in ("version", "error")]
    return show_table(
        rows[::-1][:200],
        {"version": "version", **{label: label for label in labels}},
        empty="No version yet.",
    )


def show_comparison(result: Mapping[str, Any], metric: str) -> list[str]:
    """Show a comparison: verdict, three charts, improvements, regressions, every tag."""
    a, b = result["a"], result["b"]
    names = {"name_a": a, "name_b": b}

    def of(group: str) -> list[dict[str, Any]]:
        return [
            {**row, "few": group != "overall" and (row.get("support") or 0) < FEW}
            for row in result[group]
            if row["metric"] == metric
        ]

    behavioral = [row for row in result["behavioral"] if row["name"] == "all"]
    everywhere = [
        {**row, "name": "weighted by support" if row["name"] == "weighted" else row["name"]}
        for row in of("overall")
    ] + [{**row, "name": "behavioral score"} for row in behavioral]
    return [
        show_verdict(result),
        chart_diffs(
            everywhere, title=f"Overall {metric}", **names, empty="No figure that both have."
        ),
        chart_diffs(
            of("slices"), title=f"{metric} by slice", **names, empty="No slice that both have."
        ),
        chart_diffs(of("tags"), title=f"{metric} by tag", **names, empty="No tag that both have."),
        show_changes(result, metric, 1),
        show_changes(result, metric, -1),
        show_tags(of("tags"), a, b),
    ]


def show_changes(result: Mapping[str, Any], metric: str, sign: int) -> str:
    """List what rose (`sign` 1) or fell (−1): overall, by tag, by slice; zero is neither."""
    rows = [
        {
            "where": where,
            "name": row["name"],
            "diff": f"{row['diff'] * 100:+.1f}",
            "values": f"{row['a']:.3f} → {row['b']:.3f}",
            "verdict": MARKS.get(row["verdict"] or "", ""),
            "support": row.get("support"),
            "few": group in ("tags", "slices") and (row.get("support") or 0) < FEW,
        }
        for group, where in GROUPS.items()
        for row in result[group]
        if row["diff"] is not None and row["diff"] * sign > 0 and row["metric"] in (metric, "score")
    ]
    title = "Improvements" if sign > 0 else "Regressions"
    return f"<h4>{'▲' if sign > 0 else '▼'} {title} in {metric}: {len(rows)}</h4>" + show_table(
        rows,
        {
            "where": "where", "name": "name", "diff": "points", "values": "A → B",
            "verdict": "verdict", "support": "projects",
        },
        empty=f"No {title.lower()}.",
    )  # fmt: skip


def show_tags(rows: list[dict[str, Any]], a: str, b: str) -> str:
    """Show every tag with its interval and verdict; a row opens its flips."""
    records = [
        {
            **row,
            "points": None if row["diff"] is None else f"{row['diff'] * 100:+.1f}",
            "interval": ""
            if row["low"] is None
            else f"{row['low'] * 100:+.1f} to {row['high'] * 100:+.1f}",
            "verdict": MARKS.get(row["verdict"] or "", row["verdict"] or "no verdict"),
        }
        for row in rows
    ]
    return show_table(
        records,
        {
            "name": "tag", "a": f"A: {a}", "b": f"B: {b}", "points": "B − A, points",
            "interval": "95 % interval", "verdict": "verdict", "support": "projects",
        },
        row_key="name",
        empty="No tag to compare.",
        caption="By verdict, then by size. Choose a row to see the decisions that changed",
    )  # fmt: skip


def show_params(result: Mapping[str, Any], only_differences: bool, query: str) -> str:
    """Show hyperparameters of both versions whose name or value holds `query`."""
    rows = [
        {"name": row["name"], "a": _value(row, "a"), "b": _value(row, "b")}
        for row in result["params"]
        if (row["status"] != "same" or not only_differences)
        and query.casefold() in f"{row['name']} {row['a']} {row['b']}".casefold()
    ]
    empty = (
        "No hyperparameter matches." if query else "The two versions have the same hyperparameters."
    )
    return show_table(
        rows,
        {"name": "parameter", "a": f"A: {result['a']}", "b": f"B: {result['b']}"},
        empty=empty,
    )


def _value(row: Mapping[str, Any], side: str) -> str:
    lacking = {"added": "a", "removed": "b"}.get(row["status"])
    return "not set" if side == lacking else orjson.dumps(row[side]).decode()


def show_flipped(rows: list[dict[str, Any]], tag: str, a: str, b: str) -> str:
    """Show the projects whose decision on a tag was fixed, broken or left wrong."""
    records = [
        {
            "kind": {"fixed": "▲ fixed", "broke": "▼ broke"}.get(row["kind"], row["kind"]),
            "id": row["id"],
            "text": f"{row['title']} {row['description']}".strip() or "(no longer in the data)",
            "truth": "has the tag" if row["y_true"] else "does not",
            "prob_a": row["prob_a"],
            "prob_b": row["prob_b"],
        }
        for row in rows[:100]
    ]
    return show_table(
        records,
        {
            "kind": "what B did", "id": "id", "text": "project", "truth": "truth",
            "prob_a": f"probability, {a}", "prob_b": f"probability, {b}",
        },
        empty=f"Both versions decide every shared test project rightly on {tag}.",
        caption=f"Decisions on {tag} that B fixed, broke or left wrong: {len(rows)}",
    )  # fmt: skip
