"""What the Inspection tab shows of tags, their projects and their probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape

from tagifai.charts.curves import chart_precision_recall, chart_reliability
from tagifai.charts.svg import escaped, write_share
from tagifai.inspection import BestThreshold, CurvePoint, Outcome, TagFigures
from tagifai.inspection.confusion import KINDS, Confusion
from tagifai.metrics.calibration_check import CalibrationCheck, TagCalibration
from tagifai.metrics.figures import FIGURES
from tagifai.selection import Paged
from tagifai.services.inspection import SliceRow
from tagifai.ui.views.influence import shown_text
from tagifai.ui.views.markup import show_chips, show_share, show_table

FEW = 10
CHOSEN_BY = {
    "train+val": "by out-of-fold probabilities of train and validation",
    "val": "by validation alone, since the model saw train or may have",
}
MOST_NAMED = 5
CALIBRATION = """(Calibration: <a href="https://arxiv.org/abs/1706.04599" rel="noopener noreferrer"
target="_blank">Guo et al. 2017, On Calibration of Modern Neural Networks</a>.)"""


def most_errors(rows: Sequence[TagFigures]) -> str | None:
    """Return the tag with the most false positives and negatives: where to look first."""
    worst = max(rows, key=lambda row: row.fp + row.fn, default=None)
    return worst.tag if worst else None


def show_figures(row: TagFigures) -> str:
    """Show the chosen tag's figures as tiles."""
    figures = {
        "precision": write_share(row.precision),
        "recall": write_share(row.recall),
        "F1": write_share(row.f1),
        "projects with the tag": f"{row.num_samples:,}",
        "true / false positives": f"{row.tp:,} / {row.fp:,}",
        "false negatives": f"{row.fn:,}",
        "threshold": f"{row.threshold:.3f}",
    }
    note = ""
    if not row.num_samples:
        note = "No project carries this tag here: figures shown as – are undefined."
    elif row.num_samples < FEW:
        note = (
            "Fewer than ten projects carry this tag here: one prediction moves its figures by ten "
            "points or more."
        )
    return show_tiles(figures) + (f'<p class="note">⚠ {note}</p>' if note else "")


def show_tags(rows: Sequence[TagFigures]) -> str:
    """Show every tag's figures; those with fewer than ten projects greyed."""
    return show_table(
        [
            {
                **asdict(row),
                "f1": show_share(row.f1),
                "few": row.num_samples < FEW,
            }
            for row in rows
        ],
        {
            "tag": "tag",
            "f1": "F1",
            "precision": "precision",
            "recall": "recall",
            "num_samples": "projects",
            "fp": "false positives",
            "fn": "false negatives",
            "average_precision": "average precision",
            "threshold": "threshold",
        },
        raw=["f1"],
        row_key="tag",
        empty="The version has no tag.",
        caption="Choose a row to see its projects; tags under ten projects are greyed",
    )


def show_slices(rows: Sequence[SliceRow]) -> str:
    """Show the slices' figures with their intervals; those under ten projects greyed."""

    def written(row: SliceRow, metric: str) -> str:
        value, ends = getattr(row, metric), row.intervals.get(metric)
        if value is None:
            return "–"
        if ends is None:
            return f"{value:.3f}"
        return f'{value:.3f} <span class="minor">{ends[0]:.3f} to {ends[1]:.3f}</span>'

    return show_table(
        [
            {
                **asdict(row),
                **{metric: written(row, metric) for metric in FIGURES},
                "few": (row.num_samples or 0) < FEW,
            }
            for row in rows
        ],
        {
            "slice": "slice",
            "description": "what it holds",
            "f1": "F1",
            "precision": "precision",
            "recall": "recall",
            "num_samples": "projects",
        },
        raw=["f1", "precision", "recall"],
        empty="No slice yet: save one under Slices, or write slices.json in the data folder.",
        caption="Pooled over all pairs of the slice (micro), with 95 % intervals by project; "
        "slices under ten projects are greyed and have none",
    )


def show_calibration(checked: CalibrationCheck, tags: Sequence[TagCalibration] = ()) -> str:
    """Grade a version's probabilities by the gap measured, and name the tags that are off."""
    kind = "good" if checked.grade == "fine" and not tags else "warning"
    return (
        f'<div class="notice {kind}" data-grade="{checked.grade or ""}">'
        f"{escaped(checked.verdict, 400)} {_name_tags(tags)}{CALIBRATION}</div>"
    )


def _name_tags(tags: Sequence[TagCalibration]) -> str:
    told = ""
    for grade in ("off", "slightly off"):
        names = [escaped(one.tag) for one in tags if one.grade == grade]
        more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        if names:
            told += f"Tags {grade}: {', '.join(names[:MOST_NAMED])}{more}. "
    return told


def show_miscalibrated(tags: Sequence[TagCalibration]) -> str:
    """List the tags whose probabilities are off; a row chooses the tag."""
    rows = [
        {
            "tag": one.tag,
            "grade": one.grade,
            "direction": one.direction,
            "gap": f"{one.gap:.3f} ({one.low:.3f} to {one.high:.3f})",
            "intercept": f"{one.intercept:+.2f}",
            "slope": f"{one.slope:.2f}",
            "q_value": f"{one.q_value:.3f}" if one.q_value >= 0.001 else "< 0.001",
            "num_samples": one.num_samples,
        }
        for one in tags
    ]
    return show_table(
        rows,
        {
            "tag": "tag",
            "grade": "calibration",
            "direction": "probabilities are",
            "gap": "gap (95 % interval)",
            "intercept": "calibration intercept",
            "slope": "calibration slope",
            "q_value": "q-value",
            "num_samples": "projects",
        },
        row_key="tag",
        empty="No tag's probabilities are surely off.",
        caption="Tags that are off, false discoveries held at 2 %; choose a row to see it",
    )


def show_reliability(checked: CalibrationCheck, of_what: str) -> str:
    """Show a reliability diagram with its figures and, for a tag, its grade."""

    def written(value: float | None) -> str:
        return "–" if value is None else f"{value:.3f}"

    def error(name: str, value: float | None, expected: float | None) -> dict[str, str]:
        chance = "" if expected is None else f"; by chance {expected:.3f}"
        return {f"{name}, equal-mass bins{chance}": written(value)}

    figures: dict[str, str] = {}
    if checked.gap is not None:
        interval = f"{checked.low:.3f} to {checked.high:.3f}"
        figures |= {
            f"gap above 0.05; 95 % interval {interval}": f"{checked.gap:.3f}",
            "calibration intercept": f"{checked.intercept:+.2f}",
            "calibration slope": f"{checked.slope:.2f}",
        }
    figures |= error("ECE above 0.05", checked.ece_quantile, checked.ece_quantile_expected)
    if checked.top_k is not None:
        name = f"top-{checked.top_k} ECE"
        figures |= error(name, checked.ece_top_k, checked.ece_top_k_expected)
    figures |= {
        "ECE, 15 bins of equal width": written(checked.ece),
        "Brier score": written(checked.brier),
        "pairs above 0.05": f"{checked.num_pairs_above_0_05:,}",
        "pairs in all": f"{checked.num_pairs:,}",
    }
    grade = "" if checked.tag is None else f'<p class="note">{escaped(checked.verdict, 400)}</p>'
    return (
        grade
        + show_tiles(figures)
        + chart_reliability(
            checked.bins,
            title=f"Reliability of {escaped(of_what)}, above 0.05",
            empty="No probability is above 0.05.",
        )
    )


def show_curve(points: Sequence[CurvePoint], chosen: TagFigures, tag: str) -> str:
    """Show the precision-recall curve of a tag with the threshold in force."""
    return chart_precision_recall(
        points,
        chosen,
        title=f"Precision and recall of {escaped(tag)}, by threshold",
        empty=f"No project of the test split carries {tag}: there is no curve to draw.",
    )


def show_confusions(rows: Sequence[Confusion], tag: str) -> str:
    """Show which tags' errors fall together with a tag's; a row opens the projects."""
    return show_table(
        [{"tag": row.tag, **row.counts, "total": row.total} for row in rows],
        {"tag": "other tag", **{kind: kind for kind in KINDS}, "total": "projects"},
        row_key="tag",
        empty=f"No error of {tag} falls together with another tag's on the test split.",
        caption=f"Errors of {tag} and of other tags on the same projects; choose a row to see them",
    )


def show_best(found: BestThreshold, tag: str) -> str:
    """Say which threshold is best, by which projects it was chosen, and what it gives on test."""
    by = "F1" if found.by == "f1" else "cost"
    test, chosen = found.test, found.chosen
    where = CHOSEN_BY[found.chosen_by]
    cost = "" if found.test_cost is None else f", cost {found.test_cost:g}"
    return (
        f'<p class="note">Best threshold of {escaped(tag)} for {by}, {where}: '
        f"<b>{found.threshold:.3f}</b> (F1 there {write_share(chosen.f1)}). On test it gives "
        f"precision {write_share(test.precision)}, recall {write_share(test.recall)}, "
        f"F1 {write_share(test.f1)}, "
        f"{test.fp} false positives, {test.fn} false negatives{cost}.</p>"
    )


def show_tiles(figures: dict[str, str]) -> str:
    """Show named figures beside each other."""
    tiles = "".join(
        f'<div class="figure"><b>{value}</b>{name}</div>' for name, value in figures.items()
    )
    return f'<div class="figures">{tiles}</div>'


def show_page(
    found: Paged[list[Outcome]], tag: str, outcome: str, tinted: Mapping[str, str] | None = None
) -> str:
    """Show one page of projects with text, truth, prediction and probability.

    `tinted` has by id the markup of the texts whose words are told apart; such a project also
    has a button that asks for the training projects behind its decision.
    """
    tinted = tinted or {}
    rows = [
        {
            "id": item.id,
            "text": tinted.get(item.id) or shown_text(item),
            "y_true": show_chips(item.y_true),
            "y_pred": show_compared(item),
            "probability": f"{show_share(item.probability)}"
            f'<br><span class="minor">threshold {item.threshold:.3f}</span>'
            + (show_why(item.id) if item.id in tinted else ""),
        }
        for item in found.items
    ]
    pages = f"page {found.number:,} of {found.num_pages:,}"
    return (
        f'<p class="minor" data-count="{found.num_found}">{found.num_found:,} {outcome} of '
        f"{escaped(tag)}; {pages}</p>"
        + show_table(
            rows,
            {
                "id": "id",
                "text": "project",
                "y_true": "true tags",
                "y_pred": "predicted tags",
                "probability": f"probability of {tag}",
            },
            raw=["text", "y_true", "y_pred", "probability"],
            empty=f"No {outcome} of {tag} on the test split. Choose another outcome or tag.",
        )
    )


def show_why(project: str) -> str:
    """Show the button that asks for the training projects behind a decision."""
    return (
        f'<br><button type="button" class="why" data-key="{escape(project)}">Training projects '
        "behind it</button>"
    )


def show_compared(item: Outcome) -> str:
    """Show predicted tags: right ones plain, wrong ones marked; then the missed ones."""
    truth = set(item.y_true)
    chips = [
        f'<span class="chip {"right" if tag in truth else "wrong"}" '
        f'title="{"right" if tag in truth else "not among the true tags"}">'
        f"{'✔' if tag in truth else '✘'} {escaped(tag)}</span> "
        for tag in item.y_pred
    ]
    return "".join(chips) or '<span class="minor">none</span>'
