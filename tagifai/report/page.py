"""A report → one HTML file that needs nothing beside it: no script, no network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tagifai.charts import chart_diffs
from tagifai.charts.svg import escaped
from tagifai.charts.tables import show_table
from tagifai.charts.verdict import MARKS, show_verdict
from tagifai.metrics import METRICS

STYLE = Path(__file__).with_name("style.css")
MOST_ROWS = 200
FEW = 10
TEXT = 240
DIGEST = 12
# The browser itself then refuses what should not be in here.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
DIFFS = {
    "name": "name", "metric": "metric", "points": "B − A, points", "interval": "95 % interval",
    "verdict": "verdict", "a": "A", "b": "B", "support": "projects",
}  # fmt: skip


def write_page(report: Mapping[str, Any]) -> str:
    """Write what `gather` returned; every text from data is escaped and cut."""
    version, against = escaped(report["version"]), report["against"]
    title = f"{version} compared with {escaped(against)}" if against else f"Version {version}"
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="minor">Written by tagifai at {escaped(report["at"])}.</p>',
        *(_compared(report) if against else _alone(report)),
        _section("Worst tags", _worst(report["worst"], report["version"])),
        *(_section("Decisions that flipped", _flips(report)) if against else ""),
        _section("Suspected label errors", _issues(report["issues"])),
        _section("Parameters", _params(report)),
        _section("About", _cards(report["cards"])),
        _section("How to read this", _how_to_read(bool(against))),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title>'
        f"<style>{STYLE.read_text('utf-8')}</style></head><body><main>{''.join(parts)}"
        "</main></body></html>\n"
    )


def _compared(report: Mapping[str, Any]) -> list[str]:
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
        _section("Overall", drawn["overall"] + _diffs(everywhere)),
        _section("Slices", drawn["slices"] + _diffs(result["slices"])),
        _section("Tags", drawn["tags"] + _diffs(f1["tags"])),
    ]


def _alone(report: Mapping[str, Any]) -> list[str]:
    overall = {"weighted by support": report["overall"]} | {
        name: report["overall"][name] for name in ("macro", "micro") if name in report["overall"]
    }
    rows = [{"name": name, **figures} for name, figures in overall.items()]
    score = report["behavioral"]
    passed = f"<p>Behavioral tests passed: {score:.1%}</p>" if score is not None else ""
    figures = {"precision": "precision", "recall": "recall", "f1": "F1", "num_samples": "projects"}
    return [
        _section("Overall", _table(rows, {"name": "average", **figures}) + passed),
        _section(
            "Slices",
            _table(report["slices"], {"slice": "slice", **figures, "description": "description"}),
        ),
    ]


def _diffs(rows: Sequence[Mapping[str, Any]]) -> str:
    return _table(
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


def _worst(rows: Any, version: str) -> str:
    return _missing(rows) or _table(
        rows,
        {
            "tag": "tag", "f1": "F1", "precision": "precision", "recall": "recall",
            "num_samples": "projects", "tp": "true positives", "fp": "false positives",
            "fn": "false negatives", "threshold": "threshold",
        },
        caption=f"The lowest F1 of {version} on its test split",
    )  # fmt: skip


def _flips(report: Mapping[str, Any]) -> str:
    counts, flips = report["comparison"]["flips"], report["flips"]
    if counts is None or _missing(flips):
        return _missing(flips) or "<p>The versions share no test project.</p>"
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
        parts.append(_table(shown, columns, caption=caption, empty=f"B {kind} nothing."))
    return "".join(parts)


def _issues(issues: Mapping[str, Any]) -> str:
    parts = []
    for kind, found in issues.items():
        if missing := _missing(found):
            parts.append(missing)
            continue
        rows = [
            {
                **row,
                "title": row["title"][:TEXT],
                "named": "yes" if row["named"] else "no",
                "neighbours": f"{row['neighbour_share']:.0%}",
            }
            for row in found["items"]
        ]
        columns = {
            "tag": "tag", "id": "id", "title": "project", "split": "split",
            "probability": "probability", "named": "named in the text",
            "neighbours": "of its neighbours", "status": "reviewed",
        }  # fmt: skip
        caption = (
            f"Labels that seem {kind}: the {len(rows)} most suspicious "
            f"of {found['num_found']:,} pairs"
        )
        parts.append(_table(rows, columns, caption=caption))
    return "".join(parts)


def _params(report: Mapping[str, Any]) -> str:
    if report["comparison"] is None:
        rows = [{"name": name, "value": _json(v)} for name, v in report["params"].items()]
        return _table(rows, {"name": "parameter", "value": "value"})
    rows = [
        {
            **row,
            "a": "not set" if row["status"] == "added" else _json(row["a"]),
            "b": "not set" if row["status"] == "removed" else _json(row["b"]),
        }
        for row in report["comparison"]["params"]
    ]
    rows.sort(key=lambda row: row["status"] == "same")
    columns = {"name": "parameter", "a": "A", "b": "B", "status": "status"}
    return _table(rows, columns, caption="Those that differ first")


def _cards(cards: Sequence[Mapping[str, Any]]) -> str:
    names = dict.fromkeys(key for card in cards for key, value in card.items() if value)
    rows = [
        {"what": name.replace("_", " ")}
        | {f"card{place}": _detail(card.get(name)) for place, card in enumerate(cards)}
        for name in names
        if name != "name"
    ]
    columns = {f"card{place}": card["name"] for place, card in enumerate(cards)}
    return _table(rows, {"what": "", **columns})


def _how_to_read(compared: bool) -> str:
    terms = [
        (metric.label, f"{metric.description} {'Higher' if metric.higher_is_better else 'Lower'} "
         f"is better. Of all together: {metric.averaging}.")
        for metric in METRICS.values()
    ]  # fmt: skip
    if compared:
        terms += [
            ("Diff", "B − A, in points of a hundred; ▲ is higher in B, ▼ lower."),
            (
                "Interval and verdict",
                "95 % interval of a paired bootstrap over the test projects that both have; a "
                "verdict is given only where the difference is more than chance would bring, with "
                "false discoveries over all tags held at 5 % (Benjamini–Hochberg).",
            ),
            ("Greyed", f"Fewer than {FEW} projects."),
        ]
    listed = "".join(f"<dt>{escaped(a)}</dt><dd>{escaped(b, 400)}</dd>" for a, b in terms)
    return f"<dl>{listed}</dl>"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    caption: str = "",
    empty: str = "Nothing to show.",
) -> str:
    more = len(rows) - MOST_ROWS
    left_out = f'<p class="minor">{more:,} more are left out.</p>' if more > 0 else ""
    return show_table(rows[:MOST_ROWS], columns, empty=empty, caption=caption) + left_out


def _missing(found: Any) -> str:
    if isinstance(found, Mapping) and "missing" in found:
        return f'<p class="minor">{escaped(found["missing"], 300)}</p>'
    return ""


def _detail(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_json(one)}" for name, one in value.items())
    text = "" if value is None else _json(value)
    return text[:DIGEST] if len(text) == 64 and text.isalnum() else text


def _points(value: float | None) -> str | None:
    return None if value is None else f"{value * 100:+.1f}"


def _json(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
