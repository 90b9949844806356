"""What the Inspection tab shows of tags, their projects and their probabilities."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from tagifai.charts.curves import chart_precision_recall, chart_reliability
from tagifai.charts.svg import escaped, write_share
from tagifai.inspection import BestThreshold, CurvePoint, Outcome, TagFigures
from tagifai.inspection.confusion import KINDS, Confusion
from tagifai.metrics.calibration_check import CalibrationCheck, TagCalibration
from tagifai.metrics.figures import FIGURES
from tagifai.selection import Paged
from tagifai.services.inspection import SliceRow
from tagifai.store.naming import WORKSPACE
from tagifai.ui.views.influence import render_text
from tagifai.ui.views.markup import show_chips, show_share, show_table
from tagifai.ui.views.templates import macro, render

FEW = 10
CHOSEN_BY = {
    "train+val": "by out-of-fold probabilities of train and validation",
    "val": "by validation alone, since the model saw train or may have",
}
MOST_NAMED = 5


def most_errors(rows: Sequence[TagFigures]) -> str:
    """Return the tag with the most false positives and negatives, "" without a tag."""
    worst = max(rows, key=lambda row: row.fp + row.fn, default=None)
    return worst.tag if worst else ""


def render_notes(notes: Sequence[str]) -> str:
    """Render what limits every figure of a version; nothing where there is no note."""
    return str(render("version_notes.html", notes=" ".join(notes))) if notes else ""


def render_figures(row: TagFigures, *, decides: bool = False) -> str:
    """Render the chosen tag's figures as tiles; `decides`: without probabilities."""
    figures = {
        "precision": write_share(row.precision),
        "recall": write_share(row.recall),
        "F1": write_share(row.f1),
        "projects with the tag": f"{row.num_samples:,}",
        "true / false positives": f"{row.tp:,} / {row.fp:,}",
        "false negatives": f"{row.fn:,}",
    }
    if not decides:
        figures["threshold"] = f"{row.threshold:.3f}"
    warning = ""
    if not row.num_samples:
        warning = "No project carries this tag here: figures shown as – are undefined."
    elif row.num_samples < FEW:
        warning = (
            "Fewer than ten projects carry this tag here: one prediction moves its figures by ten "
            "points or more."
        )
    return str(render("tag_figures.html", figures=figures, warning=warning))


def render_tags(rows: Sequence[TagFigures], *, decides: bool = False) -> str:
    """Render every tag's figures; those with fewer than ten projects greyed.

    A version that `decides` without probabilities ranks nothing, and has no threshold to move.
    """
    ranked = {"average_precision": "average precision", "threshold": "threshold"}
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
            **({} if decides else ranked),
        },
        raw=["f1"],
        row_key="tag",
        empty="The version has no tag.",
        caption="Choose a row to see its projects; tags under ten projects are greyed",
    )


def render_slices(rows: Sequence[SliceRow]) -> str:
    """Render the slices' figures with their intervals; those under ten projects greyed."""

    def cell(row: SliceRow, metric: str) -> str:
        value, ends = getattr(row, metric), row.intervals.get(metric)
        return str(render("figure_interval.html", value=value, ends=ends))

    return show_table(
        [
            {
                **asdict(row),
                **{metric: cell(row, metric) for metric in FIGURES},
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


def render_calibration(checked: CalibrationCheck, tags: Sequence[TagCalibration] = ()) -> str:
    """Grade a version's probabilities by the gap measured, and name the tags that are off."""
    named = []
    for grade in ("off", "slightly off"):
        names = [one.tag for one in tags if one.grade == grade]
        if names:
            named.append((grade, names[:MOST_NAMED], max(0, len(names) - MOST_NAMED)))
    kind = "good" if checked.grade == "fine" and not tags else "warning"
    return str(
        render(
            "calibration.html",
            kind=kind,
            grade=checked.grade,
            verdict=checked.verdict,
            named=named,
        )
    )


def render_miscalibrated(tags: Sequence[TagCalibration]) -> str:
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


def render_reliability(checked: CalibrationCheck, of_what: str) -> str:
    """Render a reliability diagram with its figures and, for a tag, its grade."""
    verdict = "" if checked.tag is None else checked.verdict
    figures = render(
        "reliability_figures.html", figures=_calibration_figures(checked), verdict=verdict
    )
    diagram = chart_reliability(
        checked.bins,
        title=f"Reliability of {escaped(of_what)}, above 0.05",
        empty="No probability is above 0.05.",
    )
    return f"{figures}{diagram}"


def _calibration_figures(checked: CalibrationCheck) -> dict[str, str]:
    def error(name: str, value: float | None, expected: float | None) -> dict[str, str]:
        chance = "" if expected is None else f"; by chance {expected:.3f}"
        return {f"{name}, equal-mass bins{chance}": write_share(value)}

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
    return {
        **figures,
        "ECE, 15 bins of equal width": write_share(checked.ece),
        "Brier score": write_share(checked.brier),
        "pairs above 0.05": f"{checked.num_pairs_above_0_05:,}",
        "pairs in all": f"{checked.num_pairs:,}",
    }


def render_curve(points: Sequence[CurvePoint], chosen: TagFigures, tag: str) -> str:
    """Render the precision-recall curve of a tag with the threshold in force."""
    return chart_precision_recall(
        points,
        chosen,
        title=f"Precision and recall of {escaped(tag)}, by threshold",
        empty=f"No project of the test split carries {tag}: there is no curve to draw.",
    )


def render_confusions(rows: Sequence[Confusion], tag: str) -> str:
    """Render which tags' errors fall together with a tag's; a row opens the projects."""
    return show_table(
        [{"tag": row.tag, **row.counts, "total": row.total} for row in rows],
        {"tag": "other tag", **{kind: kind for kind in KINDS}, "total": "projects"},
        row_key="tag",
        empty=f"No error of {tag} falls together with another tag's on the test split.",
        caption=f"Errors of {tag} and of other tags on the same projects; choose a row to see them",
    )


def render_best(found: BestThreshold, tag: str) -> str:
    """Render the best threshold, what it was chosen on, and what it gives on test."""
    where = CHOSEN_BY[found.chosen_by]
    return str(render("best_threshold.html", found=found, tag=tag, where=where))


def render_saved_threshold(message: str) -> str:
    """Render that a threshold was saved."""
    return str(macro("notice", message, "good", ""))


def render_fixed(name: str, why: str, *, moves: bool = True) -> str:
    """Render why a version's thresholds cannot be moved or saved, or where those of a release are.

    Nothing is rendered for the workspace, where they are saved in place.
    """
    if not why and name == WORKSPACE:
        return ""
    return str(render("threshold_fixed.html", name=name, why=why, moves=moves, workspace=WORKSPACE))


def render_outcome_help(text: str) -> str:
    """Render what an outcome means."""
    return str(render("outcome_help.html", help=text))


def render_page(
    found: Paged[list[Outcome]],
    tag: str,
    outcome: str,
    tinted: Mapping[str, str] | None = None,
    explained: Collection[str] = (),
    *,
    decides: bool = False,
) -> str:
    """Render one page of projects with text, truth, prediction and probability.

    `tinted` maps ids to texts whose words are tinted; a project whose id is among `explained` has
    a button that asks for the training projects behind its decision. Where the version `decides`
    without probabilities, the decision stands in their place.
    """
    tinted = tinted or {}
    rows = [
        {
            "id": item.id,
            "text": tinted.get(item.id) or render_text(item),
            "y_true": show_chips(item.y_true),
            "y_pred": render("outcome_predicted.html", item=item),
            "probability": render(
                "outcome_probability.html",
                item=item,
                explained=item.id in explained,
                decides=decides,
            ),
        }
        for item in found.items
    ]
    table = show_table(
        rows,
        {
            "id": "id",
            "text": "project",
            "y_true": "true tags",
            "y_pred": "predicted tags",
            "probability": f"{'decision on' if decides else 'probability of'} {tag}",
        },
        raw=["text", "y_true", "y_pred", "probability"],
        empty=f"No {outcome} of {tag} on the test split. Choose another outcome or tag.",
    )
    return f"{render('outcomes_count.html', found=found, outcome=outcome, tag=tag)}{table}"


def render_shared_errors(
    rows: Sequence[Outcome], tag: str, other: str, *, decides: bool = False
) -> str:
    """Render the projects on which the errors of two tags fall together."""
    found = Paged([*rows], 1, 1, len(rows))
    return render_page(found, tag, f"shared errors with {other}", decides=decides)
