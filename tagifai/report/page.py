"""A report → one HTML file that needs nothing beside it: no script, no network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tagifai.charts.svg import escaped
from tagifai.charts.tables import show_terms
from tagifai.metrics.reading import metric_terms
from tagifai.report.compared import OF_TWO, show_compared, show_flips
from tagifai.report.parts import TEXT, as_text, missing, section, table

STYLE = Path(__file__).with_name("style.css")
DIGEST = 12
# The browser itself then refuses what should not be in here.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_page(report: Mapping[str, Any]) -> str:
    """Write what `gather` returned; every text from data is escaped and cut."""
    version, against = escaped(report["version"]), report["against"]
    title = f"{version} compared with {escaped(against)}" if against else f"Version {version}"
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="minor">Written by tagifai at {escaped(report["at"])}.</p>',
        *(show_compared(report) if against else _alone(report)),
        section("Worst tags", _worst(report["worst"], report["version"])),
        section("Calibration", _calibration(report["calibration"])),
        *(section("Decisions that flipped", show_flips(report)) if against else ""),
        section(
            "Suspected label errors",
            _issues_note(report["issues_note"]) + _issues(report["issues"]),
        ),
        section("Parameters", _params(report)),
        section("About", _cards(report["cards"])),
        section("How to read this", _how_to_read(bool(against))),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title>'
        f"<style>{STYLE.read_text('utf-8')}</style></head><body><main>{''.join(parts)}"
        "</main></body></html>\n"
    )


def _alone(report: Mapping[str, Any]) -> list[str]:
    averages = {"weighted by support": report["overall"]} | {
        name: report["overall"][name] for name in ("macro", "micro") if name in report["overall"]
    }
    covered = report["covered"]
    rows = [
        {
            "name": name,
            **figures,
            "covers": covered.get("f1" if figures is report["overall"] else f"{name}_f1", ""),
        }
        for name, figures in averages.items()
    ]
    figures = {"precision": "precision", "recall": "recall", "f1": "F1", "num_samples": "projects"}
    note = f'<p class="minor">{escaped(report["note"], 1_000)}</p>' if report["note"] else ""
    return [
        section(
            "Overall",
            note
            + table(rows, {"name": "average", **figures, "covers": "F1 averaged over"})
            + _behavioral(report["behavioral"]),
        ),
        section(
            "Slices",
            table(
                [
                    {**row, "interval": _interval(row["intervals"].get("f1"))}
                    for row in report["slices"]
                ],
                {
                    "slice": "slice",
                    **figures,
                    "interval": "95 % interval of F1",
                    "description": "description",
                },
            ),
        ),
    ]


def _interval(ends: Sequence[float] | None) -> str | None:
    return None if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _calibration(found: Mapping[str, Any]) -> str:
    if "missing" in found:
        return missing(found)
    tags = table(
        [{**row, "interval": _interval((row["low"], row["high"]))} for row in found["tags"]],
        {
            "tag": "tag",
            "grade": "calibration",
            "direction": "probabilities are",
            "gap": "gap",
            "interval": "95 % interval",
            "slope": "calibration slope",
            "num_samples": "projects",
        },
        caption="Tags whose probabilities are off, false discoveries held at 2 %",
        empty="No tag's probabilities are surely off.",
    )
    return f"<p>{escaped(found['verdict'], 400)}</p>{tags}"


def _behavioral(found: Mapping[str, Any]) -> str:
    """Show what passes, beside what a matcher of names passes that learns nothing."""
    if found.get("score") is None:
        return ""
    parts = found.get("by_part")
    parts = parts if isinstance(parts, Mapping) else {}
    rows = [{"name": "all", **found}] + [
        {"name": name, **row} for name, row in parts.items() if isinstance(row, Mapping)
    ]
    figures = {"score": "passed", "name_matcher": "name matcher", "num_samples": "tests"}
    return table(rows, {"name": "behavioral tests", **figures})


def _worst(rows: Any, version: str) -> str:
    return missing(rows) or table(
        rows,
        {
            "tag": "tag",
            "f1": "F1",
            "precision": "precision",
            "recall": "recall",
            "num_samples": "projects",
            "tp": "true positives",
            "fp": "false positives",
            "fn": "false negatives",
            "threshold": "threshold",
        },
        caption=f"The lowest F1 of {version} on its test split",
    )


def _issues_note(note: Any) -> str:
    told = isinstance(note, str) and note
    return f'<p class="minor">{escaped(note, 500)}</p>' if told else ""


def _issues(issues: Mapping[str, Any]) -> str:
    parts = []
    for kind, found in issues.items():
        if why_not := missing(found):
            parts.append(why_not)
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
            "tag": "tag",
            "id": "id",
            "title": "project",
            "split": "split",
            "probability": "probability",
            "named": "named in the text",
            "neighbours": "of its neighbours",
            "status": "reviewed",
        }
        caption = (
            f"Labels that seem {kind}: the {len(rows)} most suspicious "
            f"of {found['num_found']:,} pairs"
        )
        parts.append(table(rows, columns, caption=caption))
    return "".join(parts)


def _params(report: Mapping[str, Any]) -> str:
    if report["comparison"] is None:
        rows = [{"name": name, "value": as_text(v)} for name, v in report["params"].items()]
        return table(rows, {"name": "parameter", "value": "value"})
    rows = [
        {
            "name": row.name,
            "a": "not set" if row.status == "added" else as_text(row.a),
            "b": "not set" if row.status == "removed" else as_text(row.b),
            "status": row.status,
        }
        for row in report["comparison"].params
    ]
    rows.sort(key=lambda row: row["status"] == "same")
    columns = {"name": "parameter", "a": "A", "b": "B", "status": "status"}
    return table(rows, columns, caption="Those that differ first")


def _cards(cards: Sequence[Mapping[str, Any]]) -> str:
    names = dict.fromkeys(key for card in cards for key, value in card.items() if value)
    rows = [
        {"what": name.replace("_", " ")}
        | {f"card{place}": _detail(card.get(name)) for place, card in enumerate(cards)}
        for name in names
        if name != "name"
    ]
    columns = {f"card{place}": card["name"] for place, card in enumerate(cards)}
    return table(rows, {"what": "", **columns})


def _how_to_read(compared: bool) -> str:
    return show_terms(metric_terms() + (list(OF_TWO) if compared else []))


def _detail(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {as_text(one)}" for name, one in value.items())
    text = "" if value is None else as_text(value)
    return text[:DIGEST] if len(text) == 64 and text.isalnum() else text
