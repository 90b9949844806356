"""Slices as HTML: how one does, and those that a search found."""

import orjson
from markupsafe import Markup

from tagifai.errors import shorten
from tagifai.services.slices import MeasuredSlice, SliceProposals
from tagifai.ui.views.templates import macro, render


def show_measured(found: MeasuredSlice) -> Markup:
    """Show a slice's figures on test and out of fold, and those of the projects outside it."""
    learned = "validation split" if found.in_sample else "out of fold (train and validation)"
    parts = (
        ("in the slice, test split", found.test),
        (f"in the slice, {learned}", found.learned),
        ("all other projects of the test split", found.elsewhere),
    )
    return render("slice_measured.html", found=found, parts=parts)


def show_found(found: SliceProposals) -> Markup:
    """Show the slices that a search found; a row has the conditions as its key."""
    rows = [(orjson.dumps(one.given).decode(), one) for one in found.slices]
    return render("slices_found.html", found=found, rows=rows)


def show_saved(name: str) -> Markup:
    """Show that a slice was saved."""
    line = f"Saved as {shorten(name, 60)}: Performance compares versions on it from now on."
    return macro("notice", line, "good", "status")


def show_read_only(why_not: str) -> Markup:
    """Show why nothing can be saved, "" where it can be."""
    return macro("notice", why_not, "warning", "status") if why_not else Markup()
