from itertools import pairwise

import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.training.demo import demo_params
from tagifai.training.train import train

STORY = demo_params(SMALL_PARAMS)


def test_each_release_changes_something_and_says_what():
    values = [params.to_dict() for params, _ in STORY.values()]
    changes = [{name for name in a if a[name] != b[name]} for a, b in pairwise(values)]
    assert changes == [
        {"class_weight", "C"},
        {
            "class_weight",
            "C",
            "word_ngrams",
            "char_ngrams",
            "estimator",
            "calibration",
            "thresholds",
        },
        {"aliases", "abbreviations", "log_count_ratio"},
        {"aliases"},
    ]
    assert all(notes and "\n" not in notes for _, notes in STORY.values())


def test_all_share_the_seed_and_the_split():
    shared = {(p.seed, p.min_tag_freq, p.train_size, p.val_size) for p, _ in STORY.values()}
    assert shared == {(0, 10, 0.7, 0.15)}


@pytest.mark.parametrize("name", list(STORY))
def test_each_release_trains_on_a_small_corpus(name):
    trained = train(small_dataset(), STORY[name][0])
    assert trained.performance["overall"]["f1"] > 0.6
