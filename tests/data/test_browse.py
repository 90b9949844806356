import pytest

from tagifai.data import Project
from tagifai.data.browse import PAGE_SIZE, ProjectIndex, count_words
from tagifai.errors import TagifaiError

PROJECTS = (
    Project("10", "Beta", "about graphs and images", ("graphs",)),
    Project("9", "alpha", "IMAGES", ("computer-vision", "graphs")),
    Project("x", "Gamma", "", ()),
)


def ids(**choice: object) -> list[str]:
    return [p.id for p in ProjectIndex(PROJECTS).page(**choice).projects]  # type: ignore[arg-type]


def test_search_needs_every_word_whatever_its_case() -> None:
    assert ids(query="images GRAPHS") == ["10", "9"]
    assert ids(query="vision") == ["9"]
    assert ids(query="nothing like it") == []


def test_search_finds_a_text_in_another_unicode_form() -> None:
    projects = (Project("1", "A\u0308rzte", "", ()), Project("2", "\u00c4rzte", "", ()))
    for query in ("\u00e4rzte", "a\u0308RZTE"):
        assert ProjectIndex(projects).page(query=query).num_found == 2


def test_sorts() -> None:
    assert ids() == ["10", "9", "x"]
    assert ids(sort="id") == ["9", "10", "x"]
    assert ids(sort="title") == ["9", "10", "x"]
    assert ids(sort="tags", descending=True) == ["9", "10", "x"]
    assert ids(sort="description") == ["x", "9", "10"]


def test_pages_count_and_stop_at_the_last() -> None:
    index = ProjectIndex([Project(str(n), "t", "d", ()) for n in range(PAGE_SIZE + 3)])
    last = index.page(number=99)
    assert (last.number, last.num_pages, last.num_found, len(last.projects)) == (2, 2, 53, 3)
    assert index.page(query="zzz").num_pages == 1


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "2", None])
def test_a_wrong_page_is_named(wrong: object) -> None:
    with pytest.raises(TagifaiError, match="whole number of 1 or more, got"):
        ids(number=wrong)


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(TagifaiError, match="did you mean 'title'"):
        ids(sort="titel")


def test_words_count_once_a_project() -> None:
    words = count_words(PROJECTS, "graphs", str.lower)
    assert words[0] == ("images", 2)
    assert dict(words)["graphs"] == 1
    assert count_words(PROJECTS, "absent", str.lower) == ()
