import numpy as np
import pytest

from tagifai.data import Dataset, Project, prepare
from tagifai.data.config import DataConfig
from tagifai.data.frequency import build_frequency_table, select_by_frequency
from tagifai.errors import TagifaiError


def dataset(*tag_lists: list[str], untagged: str = "negative") -> Dataset:
    projects = tuple(
        Project(str(number), "title", "text", tuple(tags)) for number, tags in enumerate(tag_lists)
    )
    return Dataset(projects, {}, "digest", DataConfig(("python",), untagged))  # type: ignore[arg-type]


SMALL = dataset(
    ["a", "b", "c"], ["a", "b"], ["a", "python"], ["a", "d"], ["e"], ["python"], [],
)  # fmt: skip


def test_lists_at_a_frequency_of_two() -> None:
    chosen = select_by_frequency(build_frequency_table(SMALL), 2)
    assert chosen.kept == (("a", 4), ("b", 2))
    assert chosen.most_common == (("a", 4), ("b", 2))
    assert chosen.just_made == (("a", 4), ("b", 2))
    assert chosen.just_missed == (("c", 1), ("d", 1), ("e", 1))
    assert chosen.tags_per_project == ((0, 3), (1, 2), (2, 2))
    assert (chosen.num_projects, chosen.num_all_projects, chosen.num_all_tags) == (4, 7, 5)
    assert (chosen.num_negatives, chosen.num_untagged, chosen.num_unlabelled) == (3, 1, 0)


def test_unlabelled_projects_are_counted_apart() -> None:
    data = dataset(["a", "b"], ["a"], ["python"], ["b"], [], [], untagged="unlabelled")
    chosen = select_by_frequency(build_frequency_table(data), 2)
    assert chosen.tags_per_project == ((0, 1), (1, 2), (2, 1))
    assert (chosen.num_projects, chosen.num_negatives, chosen.num_all_projects) == (3, 1, 6)
    assert (chosen.num_untagged, chosen.num_unlabelled) == (2, 2)


def test_excluded_tags_are_not_among_those_of_the_slider() -> None:
    assert "python" not in build_frequency_table(SMALL).tags


def test_a_frequency_that_no_tag_reaches_is_empty() -> None:
    chosen = select_by_frequency(build_frequency_table(SMALL), 5)
    assert chosen.kept == chosen.most_common == chosen.just_made == ()
    assert chosen.just_missed[0] == ("a", 4)
    assert chosen.tags_per_project == ()
    assert (chosen.num_projects, chosen.num_negatives) == (0, 7)


def test_no_tags_at_all() -> None:
    chosen = select_by_frequency(build_frequency_table(dataset([], [])), 1)
    assert (chosen.kept, chosen.num_projects, chosen.num_all_projects) == ((), 0, 2)


@pytest.mark.parametrize("wrong", [0, -3, 1.5, True, None, "30", float("nan")])
def test_a_wrong_frequency_is_named(wrong: object) -> None:
    table = build_frequency_table(SMALL)
    with pytest.raises(TagifaiError, match="whole number of 1 or more, got"):
        select_by_frequency(table, wrong)  # type: ignore[arg-type]


def test_every_frequency_equals_a_fresh_count() -> None:
    rng = np.random.default_rng(3)
    names = [f"t{i}" for i in range(25)]
    weights = 1 / np.arange(1, 26)
    lists = [
        list(rng.choice(names, size=rng.integers(0, 7), replace=False, p=weights / weights.sum()))
        for _ in range(300)
    ]
    data = dataset(*lists)
    table = build_frequency_table(data)
    for frequency in range(1, int(table.counts[0]) + 2):
        chosen = select_by_frequency(table, frequency)
        prepared = prepare(data, frequency)
        assert sorted(tag for tag, _ in chosen.kept) == list(prepared.tags)
        assert chosen.num_projects == sum(bool(p.tags) for p in prepared.projects)
        assert chosen.num_negatives == sum(not p.tags for p in prepared.projects)
        per_project = np.bincount([len(p.tags) for p in prepared.projects], minlength=1)
        expected = dict(enumerate(per_project.tolist())) if chosen.kept else {}
        assert dict(chosen.tags_per_project) == expected
