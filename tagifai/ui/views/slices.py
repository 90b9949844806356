"""Slices as HTML: how one does, and those that a search found."""

import orjson
from markupsafe import Markup

from tagifai.errors import shorten
from tagifai.metrics.intervals import FEWEST, Estimate
from tagifai.services.slices import MeasuredSlice, SliceProposal, SliceProposals
from tagifai.slices.builder import SliceFigures
from tagifai.ui.views.markup import show_table
from tagifai.ui.views.templates import macro

MACROS = "slices.html"
ABOUT_FIGURES = (
    "Pooled over all pairs of project and tag (micro), with 95 % intervals by project; under ten "
    "projects there is none"
)


def render_measured(found: MeasuredSlice) -> str:
    """Render a slice's figures on test and out of fold, and those of the projects outside it."""
    learned = "validation split" if found.in_sample else "out of fold (train and validation)"
    parts = {
        "in the slice, test split": found.test,
        f"in the slice, {learned}": found.learned,
        "all other projects of the test split": found.elsewhere,
    }
    table = show_table(
        [describe_part(label, figures) for label, figures in parts.items()],
        {
            "part": "projects",
            "f1": "F1",
            "precision": "precision",
            "recall": "recall",
            "num_samples": "number",
            "num_positives": "tags they carry",
        },
        empty="",
        caption=ABOUT_FIGURES,
    )
    return table + str(macro("size", found, template=MACROS))


def describe_part(label: str, figures: SliceFigures) -> dict[str, object]:
    """Return a part of the projects as a row of the table."""
    return {
        "part": label,
        "f1": render_estimate(figures.f1),
        "precision": render_estimate(figures.precision),
        "recall": render_estimate(figures.recall),
        "num_samples": figures.num_samples,
        "num_positives": figures.num_positives,
        "few": figures.num_samples < FEWEST,
    }


def render_estimate(figure: Estimate) -> Markup:
    """Render a figure with its interval.

    >>> render_estimate(Estimate(0.5, 0.25, 0.75))
    Markup('<b>0.500</b> <span class="minor">0.250 to 0.750</span>')
    """
    return macro("interval", figure.value, figure.low, figure.high, template=MACROS)


def render_found(found: SliceProposals) -> str:
    """Render the slices that a search found; a row has the conditions as its key."""
    searched = (
        f"{found.num_tested:,} tests on {found.num_searched:,} projects; "
        f"{found.num_kept_back:,} kept back"
    )
    table = show_table(
        [describe_proposal(one) for one in found.slices],
        {
            "slice": "slice",
            "metric": "metric",
            "value": "here",
            "elsewhere": "elsewhere",
            "gap": "lower by (95 % interval)",
            "num_samples": "projects",
            "q_value": "q-value",
        },
        row_key="key",
        empty=f"No slice is surely worse than the rest ({searched}).",
        caption=f"Choose a row to build that slice ({searched})",
    )
    reason = found.in_sample
    return str(macro("left_out", reason, template=MACROS) if reason else "") + table


def describe_proposal(found: SliceProposal) -> dict[str, object]:
    """Return a slice that was found as a row of the table."""
    return {
        "key": orjson.dumps(found.given).decode(),
        "slice": " and ".join(found.conditions),
        "metric": found.metric,
        "value": found.value,
        "elsewhere": found.elsewhere,
        "gap": macro("unmeasured", template=MACROS)
        if found.gap is None
        else render_estimate(Estimate(found.gap, found.low, found.high)),
        "num_samples": found.num_samples,
        "q_value": found.q_value,
        "few": found.gap is None,
    }


def render_saved(name: str) -> str:
    """Render that a slice was saved."""
    line = f"Saved as {shorten(name, 60)}: Performance compares versions on it from now on."
    return str(macro("notice", line, "good", "status"))


def render_read_only(why_not: str) -> str:
    """Render why nothing can be saved, "" where it can be."""
    return str(macro("notice", why_not, "warning", "status")) if why_not else ""
