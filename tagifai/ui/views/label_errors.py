"""Suspected label errors as HTML: the queue, a pair with its evidence, what reviews change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import orjson
from markupsafe import Markup

from tagifai.errors import counted
from tagifai.metrics import OverallMetrics
from tagifai.reviews.queues import Pair, QueuedPair
from tagifai.reviews.verdicts import Preview
from tagifai.selection import Paged
from tagifai.services.reviews import PairDescription
from tagifai.ui.views.markup import show_table
from tagifai.ui.views.templates import macro, render

CELLS = "label_errors.html"
TEXT_LENGTH = 4_000
MOST_NEIGHBOURS = 5
STATUSES = {
    "add": "add the tag",
    "remove": "remove the tag",
    "right": "label is right",
    "conflict": "conflict",
    "skipped": "skipped",
}
STATUS_KINDS = {"conflict": "wrong", "skipped": "missed"}
DECIDED = {"add": "add", "remove": "remove", "right": "label is right", "skip": "skip"}
METRICS = {
    "F1, weighted by support": ("weighted", "f1"),
    "precision, weighted": ("weighted", "precision"),
    "recall, weighted": ("weighted", "recall"),
    "F1, tags alike (macro)": ("macro", "f1"),
    "F1, pairs alike (micro)": ("micro", "f1"),
    "average precision": ("weighted", "average_precision"),
}


def pair_key(pair: Pair) -> str:
    """Return a project and a tag as the key of a row.

    >>> pair_key(("7", "nlp"))
    '["7","nlp"]'
    """
    return orjson.dumps(pair).decode()


def render_queue(page: Paged[tuple[QueuedPair, ...]], chosen: Pair | None) -> str:
    """Render one page of a queue; the chosen pair stands out."""
    rows = [
        {
            "key": pair_key(item.pair),
            "chosen": item.pair == chosen,
            "pair": macro("pair", item, template=CELLS),
            "evidence": macro("evidence", item, template=CELLS),
            "status": render_status(item.status),
        }
        for item in page.items
    ]
    columns = {
        "pair": "tag and project",
        "evidence": "probability and evidence",
        "status": "reviewed",
    }
    empty = "No pair fits this choice: nothing left to review here. Choose another."
    return str(
        render(
            "issue_queue.html",
            page=page,
            found=counted(page.num_found, "pair"),
            table=_table(rows, columns, row_key="key", empty=empty),
        )
    )


def render_status(status: str) -> Markup:
    """Render the result of a pair's reviews as a chip; "" where there is none."""
    if not status:
        return Markup()
    kind = STATUS_KINDS.get(status, "right")
    return macro("status", STATUSES[status], kind, template=CELLS)


def render_pair(pair: PairDescription | None) -> str:
    """Render a pair as a question, with the text and all evidence."""
    if pair is None:
        return str(render("issue_pair.html", pair=None))
    return str(
        render(
            "issue_pair.html",
            pair=pair,
            key=pair_key((pair.issue.id, pair.issue.tag)),
            text=render_marked(pair.text, pair.issue.title, pair.marks),
            others=[name for name in pair.tags if name != pair.issue.tag],
            neighbours=render_neighbours(pair),
            reviews=render_reviews(pair),
        )
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text that is bold or marked as a whole."""

    text: str
    bold: bool
    marked: bool


def render_marked(text: str, title: str, marks: Sequence[tuple[int, int]]) -> Markup:
    """Render a text, with its title in bold and marks on every name of the tag.

    >>> render_marked("A CNN for cats", "A CNN", [(2, 5)])
    Markup('<b>A </b><mark><b>CNN</b></mark> for cats')
    """
    return render("marked_text.html", pieces=cut_text(text, title, marks))


def cut_text(text: str, title: str, marks: Sequence[tuple[int, int]]) -> list[Piece]:
    """Cut a text where the title, or a mark, begins or ends."""
    bold = len(title.strip()) if text.startswith(title.strip()) else 0
    # A long text would push the buttons off the page.
    stop = min(len(text), TEXT_LENGTH)
    cuts = {0, min(bold, stop), stop, *(min(cut, stop) for mark in marks for cut in mark)}
    # The length stays the same, so that the places stay true.
    shown = "".join(char if char.isprintable() else " " for char in text)
    pieces = [
        Piece(shown[start:end], end <= bold, any(low <= start < end <= high for low, high in marks))
        for start, end in pairwise(sorted(cuts))
    ]
    return pieces + [Piece("…", False, False)] * (len(text) > stop)


def render_neighbours(pair: PairDescription) -> Markup:
    """Render the nearest projects, and whether they carry the tag."""
    rows = [
        {
            "id": near.id,
            "likeness": near.likeness,
            "carries": "✔" if pair.issue.tag in near.tags else "–",
            "tags": macro("chips", near.tags),
        }
        for near in pair.issue.neighbours[:MOST_NEIGHBOURS]
    ]
    columns = {"id": "id", "likeness": "likeness", "carries": "has the tag", "tags": "labels"}
    return _table(rows, columns, empty="No other project shares a word with it.")


def render_reviews(pair: PairDescription) -> Markup:
    """Render the latest review of each reviewer; "" where there is none."""
    if not pair.reviews:
        return Markup()
    rows = [
        {
            "reviewer": review.reviewer,
            "decision": DECIDED[review.decision],
            "note": review.note,
            "at": review.at[:16].replace("T", " "),
        }
        for review in pair.reviews
    ]
    columns = {"reviewer": "reviewer", "decision": "decision", "note": "note", "at": "when (UTC)"}
    return _table(rows, columns, caption="Reviews of this pair")


def render_counts(counts: Mapping[str, int]) -> str:
    """Render in a line how many pairs were reviewed, by the result."""
    total = sum(counts.values())
    reviewed = counted(total, "pair")
    return str(
        render(
            "review_counts.html", total=total, reviewed=reviewed, counts=counts, statuses=STATUSES
        )
    )


def render_preview(preview: Preview, counts: Mapping[str, int]) -> str:
    """Render a version's figures against today's labels and against the reviewed ones."""
    if not counts["add"] + counts["remove"]:
        line = "No accepted change yet: figures would stay as they are."
        return str(Markup('<p class="minor">{}</p>').format(line))
    columns = {
        "metric": "test split",
        "now": "today",
        "then": "reviews accepted",
        "change": "change",
        "tags": "tags averaged over",
    }
    others = (
        (
            preview.num_elsewhere,
            "of other splits: they change what the next version learns from",
        ),
        (preview.num_same, "so already in this version's labels"),
        (preview.num_unknown, "of a project or tag that this version does not know"),
    )
    return str(
        render(
            "review_preview.html",
            table=_table(preview_rows(preview), columns),
            changed=counted(preview.num_changed, "label"),
            others=others,
        )
    )


def preview_rows(preview: Preview) -> list[dict[str, object]]:
    """Return one row for each metric of `METRICS`: both values, and their difference."""
    rows: list[dict[str, object]] = []
    for name, (average, metric) in METRICS.items():
        now, now_over = find_figure(preview.now, average, metric)
        then, then_over = find_figure(preview.then, average, metric)
        rows.append(
            {
                "metric": name,
                "now": now,
                "then": then,
                "change": None
                if now is None or then is None
                else f"{100 * (then - now):+.2f} points",
                # One number where both average over as many tags.
                "tags": " → ".join(
                    f"{number:,}"
                    for number in dict.fromkeys((now_over, then_over))
                    if number is not None
                ),
            }
        )
    return rows


def find_figure(
    metrics: OverallMetrics, average: str, metric: str
) -> tuple[float | None, int | None]:
    """Return a figure, and how many tags it averages over; None for one that pools the pairs."""
    if average == "micro":
        return getattr(metrics.micro, metric), None
    averages = metrics.macro if average == "macro" else metrics.weighted
    return averages.values.get(metric), averages.covered.get(metric)


def render_commands(commands: Sequence[str]) -> str:
    """Render the commands that apply the reviews and train on the result."""
    return str(render("review_commands.html", commands=commands))


def render_reviewer(name: str, why_not: str, where: object, warning: str, changes: str) -> str:
    """Render under which name reviews are saved, where, and what threatens them; or why not.

    `changes` describes what of the version cannot be judged.
    """
    return str(
        render(
            "reviewer.html",
            name=name,
            why_not=why_not,
            where=where,
            warning=warning,
            changes=changes,
        )
    )


def render_message(text: str) -> str:
    """Render what became of a decision, also to screen readers; the line stays when empty."""
    return str(render("review_message.html", text=text))


def _table(
    rows: Sequence[Mapping[str, object]],
    columns: Mapping[str, str],
    *,
    empty: str = "",
    row_key: str | None = None,
    caption: str = "",
) -> Markup:
    table = show_table(rows, columns, empty=empty, row_key=row_key, caption=caption)
    return Markup(table)  # noqa: S704 - it escapes its cells
