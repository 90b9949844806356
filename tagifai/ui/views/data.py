"""What the Data tab shows, as HTML."""

from typing import NamedTuple

from markupsafe import Markup

from tagifai.charts import chart_bars, chart_columns
from tagifai.data import Project
from tagifai.data.browse import Page
from tagifai.data.frequency import FrequencySelection
from tagifai.data.left_out import LeftOut, describe_unlabelled
from tagifai.errors import counted
from tagifai.ui.views.markup import show_chips, show_counts, show_table
from tagifai.ui.views.templates import render

MOST_LISTED = 200


def describe_project(project: Project) -> dict[str, object]:
    """Return a project as JSON: its own fields, then the other columns."""
    return {
        "id": project.id,
        "title": project.title,
        "description": project.description,
        "tags": list(project.tags),
        **project.extra,
    }


class SelectionParts(NamedTuple):
    """The HTML of a frequency selection, in the order of the components that show it."""

    summary: str
    most_common: str
    just_made: str
    just_missed: str
    distribution: str
    tags_per_project: str


def show_selection(selection: FrequencySelection) -> SelectionParts:
    """Show a selection: its summary, its three lists and its two charts."""
    nothing = f"No tag reaches {selection.min_tag_freq:,} projects. Move the slider down."
    return SelectionParts(
        str(
            render(
                "frequency_summary.html", selection=selection, sentences=describe_others(selection)
            )
        ),
        show_counts(selection.most_common, title="Most common tags", empty=nothing),
        show_counts(selection.just_made, title="Just made the cut", empty=nothing),
        show_counts(
            selection.just_missed, title="Just missed the cut", empty="No tag is left out."
        ),
        chart_bars(selection.kept, title="Projects of each tag", unit="projects", empty=nothing),
        chart_columns(
            selection.tags_per_project,
            title="Tags on a project",
            x_label="tags",
            y_label="projects",
            empty=nothing,
        ),
    )


def describe_others(selection: FrequencySelection) -> list[str]:
    """Describe in sentences what the projects without a kept tag count as."""
    sentences = []
    if selection.num_negatives:
        one = selection.num_negatives == 1
        counted_as = "keeps none and is a negative" if one else "keep none and are negatives"
        untagged = (
            ""
            if selection.num_unlabelled
            else f", {selection.num_untagged:,} of them without any tag"
        )
        sentences.append(
            f"{counted(selection.num_negatives, 'project')} {counted_as} of every tag{untagged}."
        )
    if selection.num_unlabelled:
        sentences.append(
            f"{describe_unlabelled(selection.num_unlabelled)} of training, test and every figure."
        )
    return sentences


def show_page(page: Page) -> str:
    """Show one page of projects with its count."""
    rows = [
        {
            "id": project.id,
            "title": project.title,
            "description": project.description,
            "tags": show_chips(project.tags),
        }
        for project in page.projects
    ]
    table = show_table(
        rows,
        {"id": "id", "title": "title", "description": "description", "tags": "tags"},
        raw=["tags"],
        empty="No project holds all of these words. Search for fewer.",
    )
    return str(render("projects_page.html", page=page, table=Markup(table)))  # noqa: S704


def show_left_out(left_out: LeftOut) -> str:
    """Show the tags that are never learned: those excluded by name, those not in the tag file."""
    excluded, unlisted = list(left_out.excluded.items()), list(left_out.unlisted.items())
    more = sum(max(0, len(tags) - MOST_LISTED) for tags in (excluded, unlisted))
    return str(
        render(
            "left_out.html",
            excluded=excluded[:MOST_LISTED],
            unlisted=unlisted[:MOST_LISTED],
            more=counted(more, "more tag") if more else "",
        )
    )
