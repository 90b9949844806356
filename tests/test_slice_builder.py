import numpy as np
import pytest

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions
from tagifai.slice_builder import (
    BuiltSlice,
    in_slice,
    measure_slice,
    save_slice,
    training_words,
)
from tagifai.slices import Conditions, load_slices

PROJECTS = [
    Project("1", "cats dogs", "", ("cv",), {"year": 2020}),
    Project("2", "cats zebras", "", ("nlp",), {"year": 2021}),
    Project("3", "", "", ("cv", "nlp"), {}),
]


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (BuiltSlice(Conditions(all_of=("cv",))), [True, False, True]),
        (BuiltSlice(min_unseen=0.5), [False, True, False]),
        (BuiltSlice(columns={"year": ["2020", "2019"]}), [True, False, False]),
        (
            BuiltSlice(Conditions(any_words=("cats",)), columns={"year": ["2021"]}),
            [False, True, False],
        ),
        (BuiltSlice(), [True, True, True]),
    ],
)
def test_all_that_is_given_must_hold(built, expected):
    assert in_slice(built, PROJECTS, {"cats", "dogs"}).tolist() == expected


def test_training_words_are_those_of_train_and_val():
    p = Predictions.of("123", ["train", "test", "val"], ["cv"], [[1], [0], [1]], [[0.5]] * 3)
    assert training_words(p, {q.id: q for q in PROJECTS}) == {"cats", "dogs"}


def test_a_slice_is_measured_with_support_and_interval():
    rng = np.random.default_rng(0)
    truth = rng.random((200, 3)) < 0.5
    prob = np.where(rng.random((200, 3)) < 0.8, truth, ~truth) * 0.8 + 0.1
    p = Predictions.of(range(200), ["test"] * 200, "abc", truth, prob)
    found = measure_slice(p, dict.fromkeys("abc", 0.5), range(200))
    assert found["num_samples"] == 200
    for metric in ("precision", "recall", "f1"):
        assert found[metric]["low"] < 0.8 < found[metric]["high"]
        # A binomial interval of 300 positives is about ± 0.045.
        assert found[metric]["high"] - found[metric]["low"] == pytest.approx(0.09, abs=0.025)


def test_few_projects_have_no_interval():
    p = Predictions.of("ab", ["test"] * 2, ["t"], [[1], [1]], [[0.9], [0.1]])
    assert measure_slice(p, {"t": 0.5}, [0, 1])["recall"] == {
        "value": 0.5,
        "low": None,
        "high": None,
    }
    assert measure_slice(p, {"t": 0.5}, [])["f1"]["value"] == 0.0


def test_a_saved_slice_is_read_again(tmp_path):
    conditions = Conditions(all_of=("cv",), any_words=("cats",), max_words=9)
    save_slice(tmp_path, "cats", conditions, "Cats in few words")
    save_slice(tmp_path, "dogs", Conditions(any_words=("dogs",)))
    found = load_slices(tmp_path)
    assert (found["cats"].predicate, found["cats"].description) == (conditions, "Cats in few words")
    assert "dogs" in found
    assert [path.name for path in tmp_path.iterdir()] == ["slices.json"]


def test_what_cannot_be_built_is_said(tmp_path):
    save_slice(tmp_path, "cats", Conditions(all_of=("cv",)))
    with pytest.raises(TagifaiError, match="slice 'cats': choose a name that is not taken"):
        save_slice(tmp_path, "cats", Conditions(all_of=("cv",)))
    with pytest.raises(TagifaiError, match="give at least one condition"):
        save_slice(tmp_path, "nothing", Conditions())
    with pytest.raises(TagifaiError, match="unknown column 'yaer': did you mean 'year'"):
        in_slice(BuiltSlice(columns={"yaer": ["1"]}), PROJECTS)
    with pytest.raises(TagifaiError, match="min_unseen: a share from 0 to 1"):
        in_slice(BuiltSlice(min_unseen=2), PROJECTS)
