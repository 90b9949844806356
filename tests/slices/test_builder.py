import numpy as np
import pytest

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.metrics.intervals import Estimate
from tagifai.predictions import Predictions
from tagifai.slices import Conditions, Slice, load_slices, select_slices
from tagifai.slices import builder as slice_builder
from tagifai.slices.builder import as_conditions, measure_slice, save_slice
from tagifai.slices.finder import list_conditions


def test_a_slice_is_measured_with_support_and_interval():
    rng = np.random.default_rng(0)
    truth = rng.random((200, 3)) < 0.5
    prob = np.where(rng.random((200, 3)) < 0.8, truth, ~truth) * 0.8 + 0.1
    p = Predictions.of(range(200), ["test"] * 200, "abc", truth, prob)
    found = measure_slice(p, dict.fromkeys("abc", 0.5), range(200))
    assert found.num_samples == 200
    for metric in ("precision", "recall", "f1"):
        estimate = getattr(found, metric)
        assert estimate.low < 0.8 < estimate.high
        # A binomial interval of 300 positives is about ± 0.045.
        assert estimate.high - estimate.low == pytest.approx(0.09, abs=0.025)


@pytest.mark.parametrize(("n", "told"), [(9, False), (10, True)])
def test_under_ten_projects_have_no_interval(n, told):
    truth, prob = np.ones((n, 1)), np.where(np.arange(n)[:, None] % 2, 0.9, 0.1)
    p = Predictions.of(range(n), ["test"] * n, ["t"], truth, prob)
    found = measure_slice(p, {"t": 0.5}, range(n)).recall
    assert found.value == pytest.approx((n // 2) / n)
    assert (found.low is not None) is (found.high is not None) is told


def test_what_has_nothing_to_count_is_undefined():
    p = Predictions.of("ab", ["test"] * 2, ["t"], [[1], [1]], [[0.1], [0.1]])
    found = measure_slice(p, {"t": 0.5}, [0, 1])
    assert found.precision == Estimate(None)
    assert (found.recall.value, found.f1.value) == (0.0, 0.0)
    assert measure_slice(p, {"t": 0.5}, []).f1.value is None


def test_pairs_of_one_project_do_not_count_as_many():
    rng = np.random.default_rng(1)
    right = rng.random((60, 1)) < 0.6
    once = Predictions.of(range(60), ["test"] * 60, ["a"], np.ones((60, 1)), right * 0.8 + 0.1)
    thrice = Predictions.of(
        range(60), ["test"] * 60, "abc", np.ones((60, 3)), np.repeat(right, 3, axis=1) * 0.8 + 0.1
    )
    cuts = dict.fromkeys("abc", 0.5)
    one, other = (measure_slice(p, cuts, range(60)).recall for p in (once, thrice))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_a_saved_slice_is_read_again(tmp_path):
    conditions = Conditions(
        all_of=("cv",),
        any_words=("cats",),
        all_words=("two words",),
        max_words=9,
        min_unseen=0.5,
        columns={"year": ("2019", "2020")},
    )
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
    with pytest.raises(TagifaiError, match="slice 'nothing': no condition; give at least one of"):
        save_slice(tmp_path, "nothing", Conditions())
    with pytest.raises(TagifaiError, match=r"min_unseen: .*less than or equal to 1, got 2\.0"):
        save_slice(tmp_path, "unseen", Conditions(min_unseen=2.0))
    with pytest.raises(TagifaiError, match="choose a name that is not taken, of 1 to 80"):
        save_slice(tmp_path, "x" * 81, Conditions(all_of=("cv",)))
    assert list(load_slices(tmp_path))[-1] == "cats"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(TagifaiError, match=r"gone/slices\.json: cannot be written"):
        save_slice(tmp_path / "gone", "cats", Conditions(all_of=("cv",)))


def test_a_file_that_could_not_be_read_back_is_not_written(tmp_path, monkeypatch):
    save_slice(tmp_path, "short", Conditions(max_words=6))
    before = (tmp_path / "slices.json").read_bytes()
    monkeypatch.setattr(slice_builder, "MAX_BYTES", len(before) + 10)
    with pytest.raises(TagifaiError, match=r"slices\.json: full; at most \d+ bytes are read"):
        save_slice(tmp_path, "long", Conditions(min_words=60))
    assert (tmp_path / "slices.json").read_bytes() == before


def test_no_more_slices_are_kept_than_can_be_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(slice_builder, "MOST_SLICES", 1)
    save_slice(tmp_path, "cats", Conditions(all_of=("cv",)))
    with pytest.raises(TagifaiError, match="at most 1 slices are kept"):
        save_slice(tmp_path, "dogs", Conditions(all_of=("cv",)))


def test_what_the_finder_proposes_is_built_with_the_same_projects():
    projects = [
        Project(
            str(i),
            " ".join(word for word, n in (("alpha", 2), ("beta", 3), ("gamma", 5)) if i % n == 0)
            + (f" only{i} own{i}" if i % 4 == 0 else " common words of many"),
            "",
            ("cv",) if i % 3 else ("nlp", "cv"),
            {"year": 2019 + i % 2},
        )
        for i in range(120)
    ]
    conditions, inside = list_conditions(projects[:100], among=projects)
    assert {c.kind for c in conditions} == {"tag", "word", "length", "unseen words", "column"}
    for index, condition in enumerate(conditions):
        built = {"it": Slice("it", "", as_conditions([condition]))}
        chosen = select_slices(projects[:100], slices=built, among=projects)["it"]
        assert chosen.tolist() == inside[:, index].tolist(), str(condition)
