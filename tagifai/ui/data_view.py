"""What the Data tab shows, as markup."""

from tagifai.charts import chart_bars, chart_columns
from tagifai.data.browse import Page
from tagifai.data.frequency import FrequencySelection
from tagifai.errors import counted
from tagifai.ui.markup import show_chips, show_counts, show_table


def show_selection(selection: FrequencySelection) -> list[str]:
    """Show a selection's sentence, its three lists and its two charts, in that order."""
    nothing = f"No tag reaches {selection.min_tag_freq:,} projects. Move the slider down."
    return [
        f'<p class="headline"><b>{len(selection.kept):,}</b> of {selection.num_all_tags:,} tags '
        f"make the cut, and <b>{selection.num_projects:,}</b> of "
        f"{selection.num_all_projects:,} projects keep at least one.</p>",
        show_counts(selection.most_common, title="Most common tags", empty=nothing),
        show_counts(selection.just_made, title="Just made the cut", empty=nothing),
        show_counts(
            selection.just_missed, title="Just missed the cut", empty="No tag is left out."
        ),
        chart_bars(selection.kept, title="Projects of each tag", unit="projects", empty=nothing),
        chart_columns(
            selection.tags_per_project, title="Tags on a project", x_label="tags",
            y_label="projects", empty=nothing,
        ),
    ]  # fmt: skip


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
            rows, {"id": "id", "title": "title", "description": "description", "tags": "tags"},
            raw=["tags"], empty="No project holds all of these words. Search for fewer.",
        )
    )  # fmt: skip


def show_excluded(excluded: dict[str, int], unlisted: int) -> str:
    """Show the tags that are left out by name, and how many the tag file doesn't list."""
    also = (
        f"<p class='minor'>Besides, the projects have {counted(unlisted, 'tag')} that the tag file "
        f"doesn't list: never learnt either.</p>"
        if unlisted
        else ""
    )
    return (
        "<p class='minor'>Too broad to tell projects apart, or about tools of presentation: never "
        "learnt, however frequent.</p>"
        + show_counts(list(excluded.items()), title="Left out by name", empty="None occurs.")
        + also
    )
