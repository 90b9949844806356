import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest

from tagifai.behavioral.generation import generate_tests
from tagifai.behavioral.phrasing import mentions, spoken
from tagifai.data import Tag, load_dataset, prepare

TAGS = {
    tag.tag: tag
    for tag in (
        Tag("transformers"),
        Tag("computer-vision", ("cv", "Computer Vision")),
        Tag("segmentation", ("image-segmentation",), ("computer-vision",)),
        Tag("r"),
    )
}


def texts_of(tests, group):
    return [case.text for test in tests if test.group == group for case in test.cases]


def test_what_each_tag_gives():
    tests = generate_tests(TAGS)
    assert Counter(test.group for test in tests) == {
        "mft-name": 12,
        "mft-alias": 4,  # "Computer Vision" is the name itself
        "mft-misspelt-one-word": 6,
        "mft-misspelt-several-words": 3,
        "inv-verb": 4,
        "inv-clause": 4,
        "inv-link": 4,
        "dir-swap": 4,
        "dir-add": 4,
    }


def test_names_stand_in_the_texts_as_the_group_says():
    tests = generate_tests(TAGS)
    assert all(
        mentions(test.cases[0].text, [test.cases[0].expected[0]])
        for test in tests
        if test.group == "mft-name"
    )
    assert all(
        mentions(text, ["cv", "image-segmentation"]) for text in texts_of(tests, "mft-alias")
    )
    for group in ("mft-misspelt-one-word", "mft-misspelt-several-words"):
        for text in texts_of(tests, group):
            assert not mentions(text, [*TAGS, "cv", "image-segmentation"])


def test_an_alias_that_says_nothing_is_not_tested():
    tags = {
        "graphs": Tag("graphs", ("g-r", "nodes")),
        "games": Tag("games", ("GR", "it", "play")),  # two tags' alias; a stopword
        "play": Tag("play"),  # a tag's name
    }
    texts = texts_of(generate_tests(tags), "mft-alias")
    assert len(texts) == 2
    assert all(mentions(text, ["nodes"]) for text in texts)


def test_each_type_of_test():
    tests = generate_tests(TAGS)
    assert {test.type for test in tests if test.group.startswith("mft-")} == {"MFT"}
    for test in tests:
        assert test.type == test.group[:3].upper()
        texts = [case.text for case in test.cases]
        assert len(set(texts)) == len(texts)
        if test.type == "INV":
            assert len(texts) == 2
            assert test.tags == set()
    (added,) = (t for t in tests if t.group == "dir-add" and t.cases[0].expected == ("r",))
    assert added.cases[1].expected == ("r", *added.cases[1].expected[1:])
    assert len(added.cases[1].expected) == 2


def test_a_tag_is_never_swapped_for_its_parent():
    for seed in range(20):
        for test in generate_tests(TAGS, seed):
            if test.group == "dir-swap":
                pair = {tag for case in test.cases for tag in case.expected}
                assert pair != {"computer-vision", "segmentation"}


def test_templates_that_name_a_tag_are_left_out():
    tags = {**TAGS, "code": Tag("code"), "guide": Tag("guide", ("lessons",))}
    for text in texts_of(generate_tests(tags), "inv-clause"):
        assert sum(mentions(text, [name]) for name in (*tags, "lessons")) == 1


def test_seed_and_tags_alone_decide():
    assert generate_tests(TAGS, 1) == generate_tests(dict(reversed(TAGS.items())), 1)
    assert generate_tests(TAGS, 1) != generate_tests(TAGS, 2)
    code = (
        "from tagifai.behavioral.generation import generate_tests; from tagifai.data import Tag;"
        "print(generate_tests({'transformers': Tag('transformers'), 'r': Tag('r')}, 3))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_one_tag_alone_has_nothing_to_be_swapped_for():
    tests = generate_tests({"r": Tag("r")})
    assert Counter(test.type for test in tests) == {"MFT": 3, "INV": 3}
    assert generate_tests({}) == ()


@pytest.mark.realdata
def test_enough_for_the_real_tags(real_data):
    dataset = load_dataset(real_data)
    tags = {tag: dataset.tags[tag] for tag in prepare(dataset).tags}
    tests = generate_tests(tags)
    assert len(tests) == 400
    assert len({str(asdict(test)) for test in tests}) == 400
    assert all(test.tags <= set(tags) for test in tests)
    assert spoken("tensorflow-js") in " ".join(texts_of(tests, "mft-name")).lower()
