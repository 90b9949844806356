from dataclasses import asdict

import numpy as np

from tagifai.data import leakage as module
from tagifai.data.leakage import Leakage, measure_leakage, read_leakage


def random_texts(n: int, words: int, seed: int) -> list[str]:
    chance = np.random.default_rng(seed)
    return [" ".join(f"w{k}" for k in chance.integers(0, 2000, words)) for _ in range(n)]


def test_planted_copies_are_counted_and_no_others():
    texts = random_texts(300, words=20, seed=0)
    split = np.where(np.arange(300) < 200, "train", "test")
    changed = texts[5].split()
    changed[3] = "changed"
    texts[210], texts[220], texts[230] = texts[3], " ".join(changed), texts[240]
    assert measure_leakage(texts, split.tolist()) == Leakage(100, 2, 0.7)


def test_of_very_many_a_sample_is_looked_at_and_said(monkeypatch):
    texts = random_texts(400, words=20, seed=1)
    texts[200:] = texts[:200]
    split = ["train"] * 200 + ["test"] * 200
    monkeypatch.setattr(module, "_MOST_PAIRS", 10_000)
    monkeypatch.setattr(module, "_FEWEST", 10)
    found = measure_leakage(texts, split)
    assert found == Leakage(50, 50, 0.7, sampled_from=200)
    assert found.describe() == (
        "50 of 50 test projects (100.0 %, a sample of 200) have a near-duplicate in train or val"
    )
    assert read_leakage(asdict(found)) == found


def test_without_a_word_nothing_leaks_and_without_train_nothing_is_said():
    assert measure_leakage(["?", "?"], ["train", "test"]) == Leakage(1, 0, 0.7)
    assert measure_leakage(["a cat", "a cat"], ["test", "test"]) is None
    assert measure_leakage([], []) is None


def test_what_strangers_keep_is_read_or_passed_over():
    assert read_leakage({"num_test": 9, "num_near_duplicates": 2, "cosine": 0.7}).share == 2 / 9
    for odd in (None, [], {}, {"num_test": "9", "num_near_duplicates": 1, "cosine": 0.7},
                {"num_test": 1, "num_near_duplicates": 2, "cosine": 0.7}):  # fmt: skip
        assert read_leakage(odd) is None
