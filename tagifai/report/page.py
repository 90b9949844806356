"""A report → one HTML file that needs nothing beside it: no script, no network."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from markupsafe import Markup

from tagifai.behavioral.results import BehavioralResults
from tagifai.charts.tables import show_terms
from tagifai.charts.templating import shorten_value
from tagifai.charts.verdict import show_verdict
from tagifai.comparison.results import ParamDiff
from tagifai.inspection import TagFigures
from tagifai.metrics.reading import metric_terms
from tagifai.report import Calibration, Issues, Missing, Report
from tagifai.report.compared import OF_TWO, compared_sections, flips_section
from tagifai.report.parts import TEXT, as_text, environment, note, paragraph, table
from tagifai.report.reasons import OUTCOMES, Reason
from tagifai.services.versions import VersionCard

STYLE = Path(__file__).with_name("style.css")
DIGEST = 12
FIGURES = {"precision": "precision", "recall": "recall", "f1": "F1", "num_samples": "projects"}
WORST = {
    "tag": "tag",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "num_samples": "projects",
    "tp": "true positives",
    "fp": "false positives",
    "fn": "false negatives",
    "threshold": "threshold",
}
CALIBRATION = {
    "tag": "tag",
    "grade": "calibration",
    "direction": "probabilities are",
    "gap": "gap",
    "interval": "95 % interval",
    "slope": "calibration slope",
    "num_samples": "projects",
}
ISSUES = {
    "tag": "tag",
    "id": "id",
    "title": "project",
    "split": "split",
    "probability": "probability",
    "named": "named in the text",
    "neighbours": "of its neighbours",
    "status": "reviewed",
}
REASONS = {
    "tag": "tag",
    "error": "error",
    "id": "id",
    "title": "project",
    "probability": "probability",
    "raising": "words that raise the tag",
    "lowering": "words that lower it",
}
METHODS = {
    "exact": "its exact contribution to the log-odds",
    "leave-one-out": "what the log-odds lose without it (leave-one-out)",
}
Section = tuple[str, Markup]


def write_page(report: Report) -> str:
    """Write a report as HTML; every text from data is escaped and cut."""
    version = shorten_value(report.version, 60)
    title = f"Version {version}"
    if report.against is not None:
        title = f"{version} compared with {shorten_value(report.against, 60)}"
    compared = report.comparison
    return (
        environment()
        .get_template("report.html")
        .render(
            title=title,
            style=Markup(STYLE.read_text("utf-8")),  # noqa: S704
            at=report.at,
            verdict=Markup(show_verdict(compared)) if compared else "",  # noqa: S704
            sections=list_sections(report),
        )
        + "\n"
    )


def list_sections(report: Report) -> list[Section]:
    """List the headings and contents of a report."""
    compared = report.comparison
    terms = [*metric_terms(), *(OF_TWO if compared else ())]
    flips = (
        [("Decisions that flipped", flips_section(compared.flips, report.flips))]
        if compared
        else []
    )
    return [
        *(compared_sections(compared) if compared else _own_sections(report)),
        ("Worst tags", _worst(report.worst, report.version, decides=report.decides)),
        ("Errors and their words", _reasons(report.reasons)),
        ("Calibration", _calibration(report.calibration)),
        *flips,
        ("Suspected label errors", _issues_note(report.issues_note) + _issues(report.issues)),
        ("Parameters", _diff_params(compared.params) if compared else _params(report.params)),
        ("About", _cards(report.cards)),
        ("How to read this", Markup(show_terms(terms))),  # noqa: S704
    ]


def _own_sections(report: Report) -> list[Section]:
    averages = {"weighted by support": ("f1", report.overall)}
    for name in ("macro", "micro"):
        figures = report.overall.get(name)
        if isinstance(figures, Mapping):
            averages[name] = (f"{name}_f1", figures)
    rows = [
        {"name": name, **figures, "covers": report.covered.get(key, "")}
        for name, (key, figures) in averages.items()
    ]
    slices = [
        {**asdict(row), "interval": _interval(row.intervals.get("f1"))} for row in report.slices
    ]
    interval = {"interval": "95 % interval of F1", "description": "description"}
    return [
        (
            "Overall",
            note(report.note, 1_000)
            + table(rows, {"name": "average", **FIGURES, "covers": "F1 averaged over"})
            + _behavioral(report.behavioral),
        ),
        ("Slices", table(slices, {"slice": "slice", **FIGURES, **interval})),
    ]


def _interval(ends: tuple[float, float] | None) -> str | None:
    return None if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _calibration(found: Calibration | Missing) -> Markup:
    if isinstance(found, Missing):
        return note(found.why)
    rows = [{**asdict(one), "interval": _interval((one.low, one.high))} for one in found.tags]
    return paragraph(found.verdict) + table(
        rows,
        CALIBRATION,
        caption="Tags whose probabilities are off, false discoveries held at 2 %",
        empty="No tag's probabilities are surely off.",
    )


def _behavioral(found: BehavioralResults) -> Markup:
    """Show what passes, beside what a matcher of names passes that learns nothing."""
    if found.overall.score is None:
        return Markup()
    rows = [
        {"name": name, **score.to_dict()}
        for name, score in {"all": found.overall, **found.by_part}.items()
    ]
    figures = {"score": "passed", "name_matcher": "name matcher", "num_samples": "tests"}
    return table(rows, {"name": "behavioral tests", **figures})


def _worst(rows: list[TagFigures] | Missing, version: str, *, decides: bool) -> Markup:
    if isinstance(rows, Missing):
        return note(rows.why)
    caption = f"The lowest F1 of {version} on its test split"
    columns = {key: title for key, title in WORST.items() if key != "threshold" or not decides}
    return table([asdict(row) for row in rows], columns, caption=caption)


def _reasons(found: list[Reason] | Missing) -> Markup:
    if isinstance(found, Missing):
        return note(found.why)
    rows = [
        {
            **asdict(one),
            "error": OUTCOMES[one.outcome],
            "probability": f"{one.probability:.3f}",
            "raising": _words(one.raising),
            "lowering": _words(one.lowering),
        }
        for one in found
    ]
    methods = {one.method for one in found}
    how = " or ".join(text for method, text in METHODS.items() if method in methods)
    return table(
        rows,
        REASONS,
        caption="The most confident errors of the worst tags, with the words that move them most",
        empty="The worst tags have no error on the test split.",
    ) + note(how and f"A word's number is {how}.")


def _words(words: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{text[:40]} {value:+.2f}" for text, value in words)


def _issues_note(found: str | Missing) -> Markup:
    return Markup() if isinstance(found, Missing) else note(found, 500)


def _issues(issues: Mapping[str, Issues | Missing]) -> Markup:
    return Markup().join(
        note(found.why) if isinstance(found, Missing) else _issue_table(kind, found)
        for kind, found in issues.items()
    )


def _issue_table(kind: str, found: Issues) -> Markup:
    rows = [
        {
            **asdict(item),
            "title": item.title[:TEXT],
            "named": "yes" if item.named else "no",
            "neighbours": f"{item.neighbour_share:.0%}",
        }
        for item in found.items
    ]
    most = f"the {len(rows)} most suspicious of {found.num_found:,} pairs"
    return table(rows, ISSUES, caption=f"Labels that seem {kind}: {most}")


def _params(params: Mapping[str, object]) -> Markup:
    rows = [{"name": name, "value": as_text(value)} for name, value in params.items()]
    return table(rows, {"name": "parameter", "value": "value"})


def _diff_params(params: Sequence[ParamDiff]) -> Markup:
    rows = [
        {
            "name": row.name,
            "a": "not set" if row.status == "added" else as_text(row.a),
            "b": "not set" if row.status == "removed" else as_text(row.b),
            "status": row.status,
        }
        for row in sorted(params, key=lambda row: row.status == "same")
    ]
    columns = {"name": "parameter", "a": "A", "b": "B", "status": "status"}
    return table(rows, columns, caption="Those that differ first")


def _cards(cards: Sequence[VersionCard]) -> Markup:
    # Parameters have a section of their own, and warnings stand at the top.
    shown = [
        {
            name: value
            for name, value in card.to_dict().items()
            if name not in ("name", "params", "warnings")
        }
        for card in cards
    ]
    rows = [
        {"what": name.replace("_", " ")}
        | {f"card{place}": _detail(card.get(name)) for place, card in enumerate(shown)}
        for name in dict.fromkeys(name for card in shown for name, value in card.items() if value)
    ]
    columns = {f"card{place}": card.name for place, card in enumerate(cards)}
    return table(rows, {"what": "", **columns})


def _detail(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {as_text(one)}" for name, one in value.items())
    text = "" if value is None else as_text(value)
    return text[:DIGEST] if len(text) == 64 and text.isalnum() else text
