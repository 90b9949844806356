"""What the Data tab shows, as markup."""

from collections.abc import Mapping

from tagifai.charts import chart_bars, chart_columns
from tagifai.data import Project
from tagifai.data.browse import Page
from tagifai.data.frequency import FrequencySelection
from tagifai.data.left_out import describe_unlabelled
from tagifai.errors import counted
from tagifai.ui.views.markup import show_chips, show_counts, show_table

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


def show_selection(selection: FrequencySelection) -> list[str]:
    """Show a selection's sentence, its three lists and its two charts, in that order."""
    nothing = f"No tag reaches {selection.min_tag_freq:,} projects. Move the slider down."
    return [
        f'<p class="headline"><b>{len(selection.kept):,}</b> of {selection.num_all_tags:,} tags '
        f"make the cut, and <b>{selection.num_projects:,}</b> of "
        f"{selection.num_all_projects:,} projects keep at least one.</p>{_others(selection)}",
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
    ]


def _others(selection: FrequencySelection) -> str:
    """Say what becomes of the projects without a kept tag."""
    told = []
    if selection.num_negatives:
        one = selection.num_negatives == 1
        told.append(
            f"{counted(selection.num_negatives, 'project')} "
            f"{'keeps none and is a negative' if one else 'keep none and are negatives'} of every "
            "tag" + ("" if selection.num_unlabelled else f", {_untagged(selection)}") + "."
        )
    if selection.num_unlabelled:
        told.append(
            f"{describe_unlabelled(selection.num_unlabelled)} of training, test and every figure."
        )
    return f'<p class="minor">{" ".join(told)}</p>' if told else ""


def _untagged(selection: FrequencySelection) -> str:
    return f"{selection.num_untagged:,} of them without any tag"


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
    found = (
        f"{page.num_all:,} projects"
        if page.num_found == page.num_all
        else f"{page.num_found:,} of {page.num_all:,} projects match"
    )
    return f'<p class="minor" data-count="{page.num_found}">{found}; page {page.number:,} of ' + (
        f"{page.num_pages:,}</p>"
        + show_table(
            rows,
            {"id": "id", "title": "title", "description": "description", "tags": "tags"},
            raw=["tags"],
            empty="No project holds all of these words. Search for fewer.",
        )
    )


def show_left_out(excluded: Mapping[str, int], unlisted: Mapping[str, int]) -> str:
    """Show the tags that are never learned: those excluded by name, those not in the tag file."""
    shown = show_counts(
        list(excluded.items())[:MOST_LISTED],
        title="Excluded by data.toml",
        empty="Nothing is excluded: data.toml names no tag under “excluded”.",
    )
    if unlisted:
        shown += show_counts(
            list(unlisted.items())[:MOST_LISTED], title="Not in the tag file", empty=""
        )
    more = sum(max(0, len(tags) - MOST_LISTED) for tags in (excluded, unlisted))
    return (
        "<p class='minor'>Never learned, however frequent.</p>"
        + shown
        + (f"<p class='minor'>and {counted(more, 'more tag')}</p>" if more else "")
    )
