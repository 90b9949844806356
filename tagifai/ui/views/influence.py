"""What the Inspection tab shows of one decision: its words, and the projects behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tagifai.charts.shares import chart_shares
from tagifai.charts.svg import escaped
from tagifai.data import Project
from tagifai.inspection import Outcome
from tagifai.ui.views.inference import visible
from tagifai.ui.views.markup import show_table
from tagifai.ui.views.templates import render

if TYPE_CHECKING:
    from tagifai.services.influence import Behind, Influence, LayerPushes, SimilarTexts
    from tagifai.services.words import Waiting, Words, WordShare
    from tagifai.ui.background import Step

MOST_EACH_WAY = 8
TITLE_LENGTH, DESCRIPTION_LENGTH = 200, 600
# A word that adds less than this share of the largest is not tinted.
LEAST_TINTED = 0.02


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text: a word that raises or lowers a tag, or what stands between."""

    text: str
    value: float = 0.0
    weight: float = 0.0

    @property
    def kind(self) -> str:
        """Return "raises", "lowers", or "" where the piece does neither."""
        if self.weight < LEAST_TINTED:
            return ""
        return "raises" if self.value > 0 else "lowers"


def render_tinted(project: Project, words: Sequence["WordShare"]) -> str:
    """Render a project's title and description, its words tinted by what they add to a tag.

    `words` are placed in `project.text`.
    """
    joined = f"{project.title} {project.description}"
    start = len(project.title) + 1
    stop = min(len(joined), start + DESCRIPTION_LENGTH)
    title_end = min(len(project.title), TITLE_LENGTH)
    return str(
        render(
            "tinted.html",
            title=_split(joined, 0, title_end, words) if title_end else [],
            description=_split(joined, start, stop, words),
            cut=stop < len(joined),
        )
    )


def _split(joined: str, start: int, stop: int, words: Sequence["WordShare"]) -> list[Piece]:
    # Words are placed in the text without the spaces before it.
    lead = len(joined) - len(joined.lstrip())
    most = max((abs(word.value) for word in words), default=0) or 1.0
    pieces, end = [], start
    for word in words:
        first, last = word.start + lead, word.stop + lead
        # Joined words may reach beyond the title, or to where the description is cut.
        first, last = max(first, end), min(last, stop)
        if first >= last:
            continue
        pieces.append(Piece(visible(joined[end:first])))
        pieces.append(Piece(visible(joined[first:last]), word.value, abs(word.value) / most))
        end = last
    return [*pieces, Piece(visible(joined[end:stop]))]


def render_marked(
    words: Sequence["Words"] = (), waiting: "Waiting | None" = None, problem: str = ""
) -> str:
    """Render which words are marked, by which method, or why none is."""
    methods = sorted({one.method for one in words})
    most = max((one.num_texts for one in words), default=0)
    return str(
        render("marked_words.html", methods=methods, waiting=waiting, problem=problem, most=most)
    )


def render_step(step: "Step") -> str:
    """Render how much of some work is done."""
    return str(render("steps.html", step=step))


def render_behind(found: "Behind", project: Project, tag: str, texts: Mapping[str, Project]) -> str:
    """Render the training projects behind a decision, by whichever method found them."""
    if found.kind == "shares":
        return render_influence(found, project, tag, texts)
    if found.kind == "pushes":
        return render_pushes(found, project, tag, texts)
    return render_similar(found, project, tag, texts)


def _describe(one: str, carried: object, texts: Mapping[str, Project]) -> dict[str, str]:
    """Return the cells that say which training project it is."""
    return {"id": one, "title": texts[one].name, "carries": "yes" if carried else "no"}


def render_pushes(
    found: "LayerPushes", project: Project, tag: str, texts: Mapping[str, Project]
) -> str:
    """Render how far training projects push a margin by the predictor's last layer."""
    rows = [
        {
            **_describe(found.ids[row], found.carried[row], texts),
            "push": f"{found.pushes[row]:+.3f}",
            "product": f"{found.products[row]:+.3f}",
        }
        for row in strongest(found)
    ]
    table = show_table(
        rows,
        {
            "id": "id",
            "title": "project",
            "carries": f"carries {tag}",
            "push": "estimated push",
            "product": "gradient product (TracIn)",
        },
        empty="No training project moves this margin.",
        caption=f"Margin of “{project.name[:80]}” for {tag}: {found.margin:+.3f}. The training "
        "projects with the largest estimated pushes",
    )
    note = render(
        "layer_note.html", number=len(found.ids), part=found.part, is_optimum=found.is_optimum
    )
    return f"{table}{note}"


def render_similar(
    found: "SimilarTexts", project: Project, tag: str, texts: Mapping[str, Project]
) -> str:
    """Render the training projects whose texts are most like one."""
    rows = [
        {
            **_describe(one, carries, texts),
            "likeness": f"{likeness:.3f}",
        }
        for one, carries, likeness in zip(found.ids, found.carried, found.likeness, strict=True)
    ]
    table = show_table(
        rows,
        {"id": "id", "title": "project", "carries": f"carries {tag}", "likeness": "similarity"},
        empty="No training project shares a word with this one.",
        caption=f"The training projects most similar to “{project.name[:80]}”",
    )
    return f"{table}{render('similar_note.html', why=found.why.rstrip('.'), by=found.by)}"


def render_influence(
    found: "Influence", project: Project, tag: str, texts: Mapping[str, Project]
) -> str:
    """Render the training projects behind a decision: shares as a chart, estimates as a table."""
    ranked = np.argsort(-found.shares, kind="stable")
    up = [row for row in ranked[:MOST_EACH_WAY] if found.shares[row] > 0]
    down = [row for row in ranked[::-1][:MOST_EACH_WAY] if found.shares[row] < 0]
    named = [*up, *down[::-1]]
    rest = float(found.shares.sum() - found.shares[named].sum())
    bars = [(_name(found, row, texts), float(found.shares[row])) for row in named]
    bars.insert(len(up), (f"the other {len(found.ids) - len(named):,} projects", rest))
    bars.append(("what no project gave", found.offset))
    chart = chart_shares(
        bars,
        title=f"Margin of “{escaped(project.name, 80)}” for {escaped(tag)}: {found.margin:+.3f}, "
        "by training project",
        empty="Nothing was learnt.",
    )
    rows = [
        {
            **_describe(found.ids[row], found.carried[row], texts),
            "share": f"{found.shares[row]:+.3f}",
            "push": f"{found.pushes[row]:+.3f}",
        }
        for row in strongest(found)
    ]
    table = show_table(
        rows,
        {
            "id": "id",
            "title": "project",
            "carries": f"carries {tag}",
            "share": "share of the margin",
            "push": "estimated push",
        },
        empty="No training project moves this margin.",
        caption="The largest estimated pushes: without that project, the margin would be lower by "
        "so much",
    )
    return f"{chart}{table}{render('influence_note.html')}"


def strongest(found: "Influence | LayerPushes") -> list[int]:
    """Rank the training projects by how far they are estimated to push, either way."""
    ranked = np.argsort(-np.abs(found.pushes), kind="stable")[: 2 * MOST_EACH_WAY]
    return [int(row) for row in ranked if found.pushes[row] != 0]


def left_out_choices(found: "Behind", texts: Mapping[str, Project]) -> list[tuple[str, str]]:
    """List projects to leave out as (what to show, id), the strongest first.

    Similar projects are not to be left out: nothing can be fitted again without them.
    """
    if found.kind == "similar":
        return []
    return [
        (f"{texts[found.ids[row]].name[:70]} ({found.pushes[row]:+.3f})", found.ids[row])
        for row in strongest(found)
    ]


def render_refitted(found: "Behind", left_out: Sequence[str], push: float) -> str:
    """Render what training again without some projects does to the margin, beside the estimate."""
    if found.kind == "similar":
        return ""
    places = {one: row for row, one in enumerate(found.ids)}
    return str(
        render(
            "refitted.html",
            number=len(left_out),
            margin=found.margin,
            push=push,
            estimated=sum(float(found.pushes[places[one]]) for one in left_out),
            is_layer=found.kind == "pushes",
        )
    )


def _name(found: "Influence", row: int, texts: Mapping[str, Project]) -> str:
    mark = "✔" if found.carried[row] else "–"
    return f"{mark} {texts[found.ids[row]].name}"


def render_text(item: Outcome) -> str:
    """Render the text of a described project, its words not tinted."""
    return str(
        render(
            "outcome_text.html",
            item=item,
            title_length=TITLE_LENGTH,
            description_length=DESCRIPTION_LENGTH,
        )
    )
