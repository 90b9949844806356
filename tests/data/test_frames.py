from dataclasses import replace

import pytest

from tagifai.data import Project, Tag, load_dataset
from tagifai.data.frames import common_frames, common_openings, shared_frames


def described(*descriptions, title="Work", tags=()):
    return [
        Project(str(k), f"{title} {k}", text, tuple(tags)) for k, text in enumerate(descriptions)
    ]


def frames(projects, tags=None):
    return [(shared.frame, shared.projects) for shared in shared_frames(projects, tags or {})]


UNLIKE = (
    "Replay the surprising transitions more often.",
    "Each block learns only a correction to its input.",
    "Why stream through context windows when counts would do?",
)


@pytest.mark.parametrize(
    ("first", "second", "frame"),
    [
        (
            "A fast library for training Xnet models with PyTorch.",
            "A fast library for training Ynet models with JAX.",
            "a fast library for training … models with …",
        ),
        (
            "Call `fit` once and it will remember all 12 layers.",
            "Call `predict(x)` once and it will remember all 300 layers.",
            "… once and it will remember all … layers",
        ),
        (
            "Zeta tells you why the forecast went wrong.",
            "Omega tells you why the forecast went wrong!",
            "… tells you why the forecast went wrong",
        ),
        (
            "好。这个Xnet模型可以训练文本。",
            "好！这个Ynet模型可以训练文本。",
            "这个 … 模型 可以 训练 文本",
        ),
        (
            "यह Xnet हिन्दी में लिखा है।",
            "यह Ynet हिन्दी में लिखा है।",
            "यह … हिन्दी में लिखा है",
        ),
    ],
)
def test_names_swapped_are_found(first, second, frame):
    assert frames(described(first, *UNLIKE, second)) == [(frame, (0, 4))]


def test_words_of_title_tags_and_aliases_are_names():
    tags = {
        "parsing": Tag("parsing", ("probabilistic context free grammars",)),
        "audio": Tag("audio", ("far field acoustic echo removal",)),
    }
    one = Project("1", "gazelle", "A kit for probabilistic context free grammars at home.", ())
    two = Project("2", "acoustic echo", "A kit for far field acoustic echo removal at home.", ())
    tagged = [replace(one, tags=("parsing",)), replace(two, tags=("audio",))]

    assert frames(tagged, tags) == [("a kit for … at home", (0, 1))]
    assert frames([one, two], tags) == []


def test_one_sentence_among_several_is_found():
    projects = described(
        f"{UNLIKE[0]} Alpha is what I would show to a beginner first.",
        f"{UNLIKE[1]} Beta is what I would show to a beginner first. {UNLIKE[2]}",
    )

    assert frames(projects) == [("… is what i would show to a beginner first", (0, 1))]


def test_nearly_equal_sentences_are_one_template():
    projects = described(
        "Brief visual explanations of Alpha with diagrams, code examples and links.",
        "Brief visual explanations of Beta with diagrams, examples and links.",
    )

    assert [shared.projects for shared in shared_frames(projects, {})] == [(0, 1)]


def test_loosely_equal_sentences_need_three_projects_and_words_of_content():
    loose = [
        "Learn about pruning from scratch with small pictures, exercises and more.",
        "Learn about bandits from scratch with old games, dice and more.",
        "Learn about clustering from scratch with your own photographs and more.",
    ]
    hollow = [
        "The owl of a valley that is in the fog.",
        "The price of a bridge that is in the news.",
        "The taste of a soup that is in the pot.",
    ]

    rest = "Most learn by doing."
    assert [s.projects for s in shared_frames(described(*loose, rest), {})] == [(0, 1, 2)]
    assert frames(described(*loose[:2], rest)) == []
    assert frames(described(*hollow, rest)) == []


def test_repeating_within_a_project_is_no_template():
    assert frames(described("It is slow and it is old. It is slow and it is old.")) == []


def test_short_frames_say_too_little():
    assert frames(described("Useful for Alpha.", "Useful for Beta.", "Useful for Gamma.")) == []


def test_a_capital_that_only_begins_a_sentence_is_no_name():
    projects = described(
        "Pruning helps when memory is short on phones.",
        "Sorting helps when memory is short on phones.",
        "About pruning and sorting.",
    )

    assert frames(projects)[0][1] == (0, 1)
    assert frames(projects)[0][0] == "pruning helps when memory is short on phones"


def test_no_text_has_no_frames():
    assert frames([]) == []
    assert frames(described("", "", "  ")) == []
    assert common_frames([], {}) == []
    assert common_openings(described("", "")) == []


def test_a_pattern_of_function_words_counts_in_bulk():
    swapped = [f"a{chr(97 + k)}b is a c{chr(97 + k)}d of e{chr(97 + k)}f" for k in range(4)]
    many = described(*swapped, *["Unlike this."] * 295)

    assert [(s.frame, s.projects) for s in common_frames(many, {})] == [
        ("… is a … of …", (0, 1, 2, 3))
    ]
    # 4 of 299 projects are more than 1 %, 4 of 400 aren't.
    assert common_frames(described(*swapped, *["Unlike this."] * 396), {}) == []
    assert common_frames(described(*swapped[:2]), {}) == []


def test_openings_count_above_one_percent():
    opened = [f"This paper introduces a {name}" for name in ("kite", "lake", "mill")]

    assert [(s.frame, s.projects) for s in common_openings(described(*opened, *UNLIKE))] == [
        ("this paper introduces a", (0, 1, 2))
    ]
    assert common_openings(described(*opened, *["Short."] * 297)) == []
    assert len(common_openings(described(*opened, *["Short."] * 296))) == 1


@pytest.mark.realdata
def test_templates_of_the_made_with_ml_projects(real_data):
    dataset = load_dataset(real_data)
    ids = [
        {dataset.projects[k].id for k in shared.projects}
        for shared in shared_frames(dataset.projects, dataset.tags)
    ]

    for known in ({"197", "198", "199"}, {"254", "255"}, {"274", "275"}, {"2361", "2362"}):
        assert known in ids
    assert 25 <= len(ids) <= 40


def test_function_words_are_those_of_the_language():
    rows = [f"{a} und {b} nicht für die {c}." for a in "xyz" for b in "uvw" for c in "rst"]
    assert common_frames(described(*rows), {}, "english") == []
    (found,) = common_frames(described(*rows), {}, "german")
    assert (found.frame, len(found.projects)) == ("… und … nicht für die …", 27)
