"""What the Inspection tab shows of one decision: its words, and the projects behind it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tagifai.charts.shares import chart_shares
from tagifai.charts.svg import escaped
from tagifai.data import Project
from tagifai.inspection import Outcome
from tagifai.ui.views.inference import as_typed
from tagifai.ui.views.markup import show_table

if TYPE_CHECKING:
    from tagifai.services.influence import Influence, WordShare

MOST_EACH_WAY = 8
TITLE_LENGTH, DESCRIPTION_LENGTH = 200, 600
ABOUT = """The shares decompose the margin exactly: it is a sum of one term a training project,
which is what <a href="https://arxiv.org/abs/2002.08484" rel="noopener noreferrer"
target="_blank">TracIn (Pruthi et al. 2020)</a> at the last checkpoint comes down to for a linear
model. They don't tell what leaving a project out would do, since the others would take over part
of its work; the estimate does, by one Newton step with the project's leverage taken out, and
refitting shows the true effect. All of it is about the margin, before calibration."""


def show_tinted(project: Project, words: Sequence["WordShare"]) -> str:
    """Show a project's title and description, its words tinted by what they add to a tag.

    `words` are placed in `project.text`.
    """
    joined = f"{project.title} {project.description}"
    lead = len(joined) - len(joined.lstrip())
    most = max((abs(word.value) for word in words), default=0) or 1.0

    def tinted(start: int, stop: int) -> str:
        pieces, end = [], start
        for word in words:
            first, last = word.start + lead, word.stop + lead
            if first < end or last > stop:
                continue
            pieces += [as_typed(joined[end:first]), _word(joined[first:last], word.value, most)]
            end = last
        return "".join([*pieces, as_typed(joined[end:stop])])

    title_end = min(len(project.title), TITLE_LENGTH)
    start = len(project.title) + 1
    stop = min(len(joined), start + DESCRIPTION_LENGTH)
    cut = "…" if stop < len(joined) else ""
    title = f"<b>{tinted(0, title_end)}</b><br>" if title_end else ""
    return f"{title}{tinted(start, stop)}{cut}"


def show_influence(
    found: "Influence", project: Project, tag: str, texts: Mapping[str, Project]
) -> str:
    """Show what decided on a project: shares as a chart, then shares and estimates in words."""
    ranked = np.argsort(-found.shares, kind="stable")
    up = [row for row in ranked[:MOST_EACH_WAY] if found.shares[row] > 0]
    down = [row for row in ranked[::-1][:MOST_EACH_WAY] if found.shares[row] < 0]
    told = [*up, *down[::-1]]
    rest = float(found.shares.sum() - found.shares[told].sum())
    bars = [(_name(found, row, texts), float(found.shares[row])) for row in told]
    bars.insert(len(up), (f"the other {len(found.ids) - len(told):,} projects", rest))
    bars.append(("what no project gave", found.offset))
    chart = chart_shares(
        bars,
        title=f"Margin of “{escaped(project.name, 80)}” for {escaped(tag)}: {found.margin:+.3f}, "
        "by training project",
        empty="Nothing was learnt.",
    )
    rows = [
        {
            "id": found.ids[row],
            "title": texts[found.ids[row]].name,
            "carries": "yes" if found.carried[row] else "no",
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
    return f'{chart}{table}<p class="note">{ABOUT}</p>'


def strongest(found: "Influence") -> list[int]:
    """Rank the training projects by how far they are estimated to push, either way."""
    ranked = np.argsort(-np.abs(found.pushes), kind="stable")[: 2 * MOST_EACH_WAY]
    return [int(row) for row in ranked if found.pushes[row] != 0]


def left_out_choices(found: "Influence", texts: Mapping[str, Project]) -> list[tuple[str, str]]:
    """List projects to leave out as (what to show, id), the strongest first."""
    return [
        (f"{texts[found.ids[row]].name[:70]} ({found.pushes[row]:+.3f})", found.ids[row])
        for row in strongest(found)
    ]


def show_refitted(found: "Influence", left_out: Sequence[str], push: float) -> str:
    """Say what training again without some projects does to the margin, beside the estimate."""
    places = {one: row for row, one in enumerate(found.ids)}
    estimated = sum(float(found.pushes[places[one]]) for one in left_out)
    projects = "project" if len(left_out) == 1 else "projects"
    return (
        f'<p class="headline" role="status">Refitted without {len(left_out)} {projects}: the '
        f"margin goes from <b>{found.margin:+.3f}</b> to <b>{found.margin - push:+.3f}</b>, by "
        f"{-push:+.3f}; the estimates sum to {-estimated:+.3f}. Features, their scales, "
        "calibration and threshold stay as they are.</p>"
    )


def _name(found: "Influence", row: int, texts: Mapping[str, Project]) -> str:
    mark = "✔" if found.carried[row] else "–"
    return f"{mark} {texts[found.ids[row]].name}"


def _word(text: str, value: float, most: float) -> str:
    if abs(value) < 0.02 * most:
        return as_typed(text)
    kind = "raises" if value > 0 else "lowers"
    return (
        f'<span class="word {kind}" style="--weight:{abs(value) / most:.2f}" '
        f'title="{value:+.3f} to the log-odds">{as_typed(text)}</span>'
    )


def shown_text(item: Outcome) -> str:
    """Show a described project without its words told apart."""
    if item.gone:
        return '<span class="minor">This project is no longer in the data.</span>'
    title = f"<b>{escaped(item.title, TITLE_LENGTH)}</b><br>" if item.title else ""
    return f"{title}{escaped(item.description, DESCRIPTION_LENGTH)}"
