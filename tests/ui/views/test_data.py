import re

from tagifai.data import Dataset, Project
from tagifai.data.browse import Page
from tagifai.data.config import DataConfig
from tagifai.data.frequency import build_frequency_table, select_by_frequency
from tagifai.data.left_out import LeftOut
from tagifai.ui.views.data import (
    SelectionParts,
    describe_project,
    show_left_out,
    show_page,
    show_selection,
)


def shown(*tag_lists: tuple[str, ...], untagged: str = "negative", at: int = 2) -> SelectionParts:
    projects = tuple(Project(str(i), "", "", tags) for i, tags in enumerate(tag_lists))
    data = Dataset(projects, {}, "", DataConfig(untagged=untagged))
    return show_selection(select_by_frequency(build_frequency_table(data), at))


def words(markup: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", markup).split())


def test_projects_without_a_kept_tag_are_counted_as_negatives():
    summary, *_, per_project = shown(("a",), ("a",), ("rare",), (), ())
    assert words(summary) == (
        "1 of 2 tags make the cut, and 2 of 5 projects keep at least one. 3 projects keep none "
        "and are negatives of every tag, 2 of them without any tag."
    )
    assert per_project.count("<rect") == 2
    assert "3" in words(per_project)


def test_unlabelled_projects_are_counted_as_left_out():
    summary, *_ = shown(("a",), ("a",), ("rare",), (), (), untagged="unlabelled")
    assert words(summary) == (
        "1 of 2 tags make the cut, and 2 of 5 projects keep at least one. 1 project keeps none "
        "and is a negative of every tag. 2 unlabelled projects are left out of training, test and "
        "every figure."
    )


def test_where_every_project_keeps_a_tag_nothing_more_is_said():
    assert words(shown(("a",), ("a",))[0]) == (
        "1 of 1 tags make the cut, and 2 of 2 projects keep at least one."
    )


def test_tags_that_are_left_out_are_named():
    told = show_left_out(LeftOut({"<b>": 3, "gone": 0}, {"odd": 2}))
    assert words(told) == (
        "Never learned, however frequent. Excluded by data.toml tag projects &lt;b&gt; 3 gone 0 "
        "Not in the tag file tag projects odd 2"
    )
    assert "Nothing is excluded: data.toml names no tag" in show_left_out(LeftOut())
    many = show_left_out(LeftOut({}, {f"t{number}": 1 for number in range(203)}))
    assert words(many).endswith("and 3 more tags")


def test_a_project_is_described_with_its_other_columns():
    project = Project("7", "Masks", "of regions", ("cv",), {"url": "u", "stars": 3})
    assert describe_project(project) == {
        "id": "7",
        "title": "Masks",
        "description": "of regions",
        "tags": ["cv"],
        "url": "u",
        "stars": 3,
    }


def test_a_page_of_projects_counts_them_and_escapes_what_they_say():
    project = Project("7", "<b>", "of regions", ("cv", "<i>"))
    page = show_page(Page((project,), 2, 3, 1_234, 1_234))
    assert words(page).startswith("1,234 projects; page 2 of 3 id title description tags 7")
    assert 'data-count="1234"' in page
    assert '<td>&lt;b&gt;</td><td>of regions</td><td><span class="chip">cv</span>' in page
    assert '<span class="chip">&lt;i&gt;</span>' in page
    assert words(show_page(Page((project,), 1, 1, 1, 1_234))).startswith(
        "1 of 1,234 projects match; page 1 of 1"
    )
