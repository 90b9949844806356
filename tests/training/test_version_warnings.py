import numpy as np

from tagifai.data import Dataset, Project
from tagifai.data.leakage import Leakage
from tagifai.predictions import Predictions
from tagifai.training.version_warnings import (
    VersionWarning,
    find_warnings,
    read_warnings,
    renew_warnings,
)

DATA = Dataset(tuple(Project(str(i), "t", "d", ("a",)) for i in range(300)), {}, "digest")


def predictions(skill, train_skill=None, seed=0):
    rng = np.random.default_rng(seed)
    y_true = rng.random((300, 2)) < 0.4
    split = np.where(np.arange(300) % 2 == 0, "train", "test")
    skills = np.where(split == "train", skill if train_skill is None else train_skill, skill)
    z = skills[:, None] * (2 * y_true - 1) + rng.normal(size=y_true.shape)
    return Predictions.of(range(300), split, ["a", "b"], y_true, 1 / (1 + np.exp(-z)))


def kinds(found):
    return [warning.kind for warning in found]


def test_a_good_version_has_no_warning():
    assert find_warnings(predictions(2.0), {}, DATA) == []


def test_each_kind_is_found():
    assert kinds(find_warnings(predictions(0.0), {}, DATA)) == ["no_better_than_rates"]
    far = find_warnings(predictions(0.8, train_skill=9.0), {})
    assert kinds(far) == ["train_exceeds_test"]
    assert "weighted F1 is 1.000 on train" in far[0].message
    wasted = find_warnings(predictions(2.0), {"a": 1.0, "b": 1.0})
    assert kinds(wasted) == ["no_better_than_rates"]
    assert wasted[0].message.startswith("decisions no better than the tags' rates: weighted F1")


def test_a_test_split_that_repeats_training_is_warned_of():
    sound = predictions(2.0)
    assert find_warnings(sound, {}, DATA, Leakage(100, 4, 0.7)) == []
    (found,) = find_warnings(sound, {}, DATA, Leakage(100, 5, 0.7))
    assert found.kind == "near_duplicates"
    assert found.message.startswith("5 of 100 test projects (5.0 %) have a near-duplicate")


def test_warnings_are_read_as_they_are_kept_and_strangers_are_tolerated():
    found = find_warnings(predictions(0.0), {})
    assert read_warnings([one.to_dict() for one in found]) == found
    assert read_warnings(["a sentence", {"kind": "leakage", "message": "m", "share": 0.1}]) == [
        VersionWarning("other", "a sentence"), VersionWarning("leakage", "m"),
    ]  # fmt: skip
    for odd in (None, "text", {}, [7, None, {}, {"message": 3}, {"kind": [], "message": "m"}, ""]):
        assert read_warnings(odd) == []


def test_other_thresholds_renew_what_follows_from_them():
    leak = VersionWarning("leakage", "kept")
    before = [VersionWarning("no_better_than_rates", "old"), leak]
    found = [VersionWarning("train_exceeds_test", "new"), VersionWarning("other_splits", "not new")]
    assert renew_warnings(before, found) == [found[0], leak]
