"""What the predictions of many texts show, as HTML: their progress, bad rows and tags."""

from collections.abc import Sequence

from tagifai.inference.batches import BatchAnswer
from tagifai.ui.views.inference import CELLS
from tagifai.ui.views.markup import show_table
from tagifai.ui.views.templates import macro, render

MOST_SHOWN = 100
MOST_BAD_SHOWN = 20


def render_progress(done: int, total: int, *, cancelled: bool = False) -> str:
    """Render how many texts are done."""
    return str(render("many_progress.html", done=done, total=total, cancelled=cancelled))


def render_answers(answers: Sequence[BatchAnswer]) -> str:
    """Render what was predicted: bad rows first, then the first rows."""
    bad = [answer.row for answer in answers if answer.row.error]
    good = [answer for answer in answers if not answer.row.error]
    notice = render("bad_rows.html", rows=bad[:MOST_BAD_SHOWN], count=len(bad)) if bad else ""
    rows = [
        {
            "row": answer.row.number,
            "text": answer.row.text,
            "tags": macro("chips_or_none", [tag for tag, _ in answer.tags], template=CELLS),
            "sure": ", ".join(f"{p:.2f}" for _, p in answer.tags),
            "near": ", ".join(f"{tag} {p:.2f}" for tag, p in answer.near),
            "note": answer.reason,
        }
        for answer in good[:MOST_SHOWN]
    ]
    shown = f"the first {MOST_SHOWN} of " if len(good) > MOST_SHOWN else ""
    table = show_table(
        rows,
        {
            "row": "row",
            "text": "text",
            "tags": "tags",
            "sure": "probability",
            "near": "near misses",
            "note": "note",
        },
        empty="No text was predicted.",
        caption=f"{shown}{len(good):,} texts",
    )
    return str(notice) + table
