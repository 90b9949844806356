import subprocess
import sys
from pathlib import Path

import pytest

from tagifai.behavioral import WITHOUT_NAMES, run_behavioral
from tagifai.behavioral.name_matcher import match_names
from tagifai.behavioral.rewording import LabelledText, associate_words, generate_rewordings
from tagifai.data import Tag

FOLDER = str(Path(__file__).parent)
TAGS = {"cooking": Tag("cooking", ("cuisine",)), "sailing": Tag("sailing"), "rare": Tag("rare")}


def labelled(text, *tags):
    return LabelledText(text, frozenset(tags))


TRAINING = [
    labelled(text, tag)
    for tag, words in (("cooking", "oven pan salt"), ("sailing", "mast anchor harbour"))
    for text in [f"The {words} of today.", f"About {words}, and more of today."] * 6
]
TEST = [
    labelled("Cooking with salt in a pan. More of today!", "cooking"),
    labelled("The mast and the anchor.", "sailing"),
    labelled("One anchor is too little.", "sailing"),
]


def test_words_that_go_with_a_tag():
    found = associate_words(TRAINING, TAGS)
    assert set(found["cooking"].deciding) == {"oven", "pan", "salt"} == found["cooking"].hints
    assert set(found["sailing"].deciding) == {"mast", "anchor", "harbour"}
    assert found["rare"].deciding == ()
    few = associate_words(TRAINING[:3] + TRAINING[12:], TAGS)
    assert few["cooking"].deciding == ()  # three projects with the tag


def test_texts_are_reworded():
    tests = {
        (test.group, *(case.text for case in test.cases)): test
        for test in generate_rewordings(TRAINING, TEST, TAGS)
    }
    text = "with salt in a pan. More of today!"
    assert {key for key in tests if key[1] == text and key[0] != "dir-words-swapped"} == {
        ("dir-words-removed", text, "with in a . More of today!"),
        ("inv-case", text, "with salt in a pan. more of today!"),
        ("inv-punctuation", text, "with salt in a pan More of today"),
        ("inv-sentence-order", text, "More of today! with salt in a pan."),
    }
    removed = tests["dir-words-removed", text, "with in a . More of today!"]
    assert [(case.expected, case.forbidden) for case in removed.cases] == [
        (("cooking",), ()),
        ((), ("cooking",)),
    ]
    (swapped,) = [t for k, t in tests.items() if k[:2] == ("dir-words-swapped", text)]
    assert [(case.expected, case.forbidden) for case in swapped.cases] == [
        (("cooking",), ()),
        (("sailing",), ("cooking",)),
    ]
    assert len({"mast", "anchor", "harbour"} & set(swapped.cases[1].text.split(" "))) >= 1
    assert not any("too little" in key[1] for key in tests)  # one deciding word is not enough
    assert {test.part for test in tests.values()} == {WITHOUT_NAMES}


def knowing(texts):
    """Predict by the words, as whoever learnt them would."""
    words = {"cooking": {"oven", "pan", "salt"}, "sailing": {"mast", "anchor", "harbour"}}
    found = []
    for text in texts:
        said = {word.strip(".,!") for word in text.lower().split()}
        found.append([tag for tag, known in words.items() if said & known])
    return found


@pytest.mark.parametrize(
    ("predict", "score"),
    [(knowing, 1), (lambda texts: match_names(texts, TAGS), 0), (lambda t: [()] * len(t), 0)],
)
def test_who_learnt_the_words_passes_and_who_knows_names_does_not(predict, score):
    result = run_behavioral(generate_rewordings(TRAINING, TEST, TAGS), predict, TAGS, TAGS)
    part = result.by_part[WITHOUT_NAMES]
    assert part.num_samples == result.overall.num_samples >= 8
    assert (part.score, part.name_matcher) == (score, 0)


def test_a_model_that_always_says_the_tag_fails_where_it_must_go():
    result = run_behavioral(
        generate_rewordings(TRAINING, TEST, TAGS), lambda texts: [list(TAGS)] * len(texts), TAGS
    )
    assert result.by_type["DIR"].score == 0


def test_no_name_or_alias_is_left_in_any_text():
    hostile = [labelled("coo cooking king cuisine sal cooking ing salt pan <b>", "cooking")]
    named = {"cooking": Tag("cooking", ("cuisine", "salt and pan")), "sailing": Tag("sailing")}
    joined = [*hostile, labelled("Salt cooking and cuisine pan, oven pan.", "cooking")]
    for tags, test in ((TAGS, hostile), (named, joined)):
        tests = generate_rewordings(TRAINING, test, tags)
        assert tests
        assert not any(match_names([c.text for t in tests for c in t.cases], tags))


def test_tags_that_come_together_are_not_swapped():
    both = [*TRAINING, labelled("Galley.", "cooking", "sailing")]
    groups = {test.group for test in generate_rewordings(both, TEST, TAGS)}
    assert "dir-words-removed" in groups
    assert "dir-words-swapped" not in groups


def test_nothing_to_reword_is_no_test():
    assert generate_rewordings([], [], TAGS) == ()
    assert generate_rewordings(TRAINING, [labelled("", "cooking")], TAGS) == ()
    assert generate_rewordings(TRAINING, TEST, {}) == ()


def test_the_same_tests_in_any_process():
    code = (
        f"import sys; sys.path.insert(0, {FOLDER!r}); from test_rewording import *;"
        "print(generate_rewordings(TRAINING, TEST, TAGS))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert runs == {f"{generate_rewordings(TRAINING, TEST, TAGS)}\n"}
