"""The comparison of two classifiers by tests without names, on a small set."""

import numpy as np

from benchmarks.statistics import behavior
from benchmarks.statistics.behavior import Learned, compare_classifiers
from benchmarks.statistics.rows import Settings
from tagifai.data import Tag

WORDS = {
    "vision": ("pixel", "camera", "mask", "photo"),
    "speech": ("audio", "voice", "phoneme", "sound"),
}


def test_what_leans_on_the_case_of_its_texts_passes_fewer_tests():
    rng = np.random.default_rng(0)
    texts, true = [], []
    for number in range(160):
        tag = ("vision", "speech")[number % 2]
        words = rng.permutation([*rng.choice(WORDS[tag], 3, replace=False), "we", "use", "it"])
        texts.append(" ".join(word.upper() for word in words))
        true.append([tag == "vision", tag == "speech"])
    tags = {name: Tag(name) for name in WORDS}
    learned = Learned(tuple(texts), np.array(true), tuple(WORDS), tags)
    f1, passed, _ = compare_classifiers(learned, 0)
    assert f1 == 0.0
    assert passed < 0


def test_there_is_no_row_without_the_data():
    assert behavior.measure(Settings(data=None)) == []
