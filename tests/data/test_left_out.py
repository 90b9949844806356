import json

import pytest

from tagifai.data import Dataset, Project, Tag
from tagifai.data.config import DataConfig
from tagifai.data.left_out import (
    LeftOut,
    describe_negatives,
    describe_unlabelled,
    find_left_out,
    name_counts,
    with_note,
)

TAGGED = (("a", "python"), ("a", "odd"), ("python",), ("odd",), ("rare",), (), ())
PROJECTS = tuple(Project(str(i), "", "", tags) for i, tags in enumerate(TAGGED))
TAGS = {tag: Tag(tag) for tag in ("a", "python", "rare")}


def dataset(*, tags=TAGS, excluded=(), untagged="negative"):
    return Dataset(PROJECTS, tags, "", DataConfig(excluded, untagged))


def test_nothing_is_left_out_by_default():
    assert find_left_out(dataset(tags={})) == LeftOut()
    assert str(LeftOut()) == ""


def test_what_is_left_out_is_counted_the_commonest_first():
    found = find_left_out(dataset(excluded=("gone", "rare", "python"), untagged="unlabelled"))
    assert list(found.excluded.items()) == [("python", 2), ("rare", 1), ("gone", 0)]
    assert (found.unlisted, found.unlabelled) == ({"odd": 2}, 2)
    assert str(found).splitlines() == [
        "excluded by data.toml: python 2, rare 1, gone 0",
        "not in the tag file, so not learned: odd 2",
        "2 unlabelled projects are left out",
    ]


def test_an_excluded_tag_is_not_unlisted_too():
    assert find_left_out(dataset(excluded=("odd",))) == LeftOut({"odd": 2})


def test_it_is_kept_as_json_and_read_again():
    found = LeftOut({"python": 2}, {"odd": 1}, 3)
    assert LeftOut.of(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize(
    "malformed",
    [None, "x", [], {"excluded": "python"}, {"excluded": {"a": "1"}}, {"unlabelled": "3"},
     {"unlabelled": True}, {"unlisted": {"a": None}}],
)  # fmt: skip
def test_what_others_wrote_into_a_version_never_fails(malformed):
    assert LeftOut.of(malformed) == LeftOut()


def test_figures_carry_a_note_where_projects_are_left_out():
    assert with_note({"overall": {}}, dataset()) == {"overall": {}}
    assert with_note({"overall": {}}, dataset(untagged="unlabelled")) == {
        "overall": {},
        "note": "2 unlabelled projects are left out",
    }


def test_one_is_told_in_the_singular():
    assert describe_unlabelled(0) == ""
    assert describe_unlabelled(1) == "1 unlabelled project is left out"
    assert describe_negatives(1, 0) == "1 project"
    assert describe_negatives(1200, 1) == (
        "1,200 projects, 1 of them without a learned tag: a negative of every tag"
    )


def test_many_tags_are_counted_and_fifty_named():
    told = name_counts({f"t{number}": 1 for number in range(60)})
    assert told.startswith("t0 1, t1 1, ")
    assert told.endswith("t49 1 and 10 more")
