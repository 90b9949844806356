import io
from dataclasses import replace

import numpy as np
import pyarrow.parquet as parquet
import pytest
from scipy import sparse

from tagifai import matrices
from tagifai.errors import TagifaiError
from tagifai.limits import Limit
from tagifai.predictions import Predictions, decide
from tagifai.store import prediction_cut
from tagifai.store.prediction_cut import (
    Kept,
    Storage,
    cut_predictions,
    describe_cut,
    round_to_half,
)
from tagifai.store.prediction_table import check_size, pack_predictions, unpack_predictions

TAGS = ["a", "b", "c", "d"]
MADE = Predictions.of(
    ["1", "2", "3"],
    ["train", "val", "test"],
    TAGS,
    [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
    [[0.001, 0.4, 0.3, 0.02], [0.2, 0.0, 0.1, 0.0], [0.004, 0.003, 0.002, 0.001]],
)


def drawn(seed=0, n=300, t=40):
    rng = np.random.default_rng(seed)
    y_true = rng.random((n, t)) < 0.05
    y_prob = np.where(y_true, rng.beta(3, 2, (n, t)), rng.beta(0.2, 6, (n, t)))
    split = rng.choice(["train", "val", "test"], n)
    return Predictions.of(range(n), split, [f"t{k}" for k in range(t)], y_true, y_prob)


def as_csr(p):
    return replace(
        p,
        y_true=sparse.csr_array(np.array(p.y_true)),
        y_prob=sparse.csr_array(np.array(p.y_prob)),
    )


def test_small_data_are_stored_to_the_last_bit():
    kept_predictions, kept = cut_predictions(drawn(), {}, Storage())
    assert kept_predictions.y_prob.tobytes() == drawn().y_prob.tobytes()
    assert (kept.is_exact, kept.num_cut, kept.precision, kept.describe()) == (True, 0, 32, "")
    metadata = parquet.read_schema(io.BytesIO(pack_predictions(kept_predictions, kept))).metadata
    assert b"stored" not in metadata


def test_large_data_are_cut_without_being_asked(monkeypatch):
    monkeypatch.setattr(prediction_cut, "DENSE_PAIRS", 1_000)
    _, kept = cut_predictions(drawn(), {}, Storage())
    assert (kept.floor, kept.top_k, kept.precision) == (0.01, 50, 16)


@pytest.mark.parametrize(
    ("storage", "kept"),
    [
        (Storage(floor=0.1), [[0, 1, 2], [0, 2], []]),
        (Storage(floor=0.02), [[0, 1, 2, 3], [0, 2], []]),
        (Storage(top_k=1), [[0, 1, 2], [0, 2], [0]]),
        (Storage(floor=0.25, top_k=2), [[0, 1, 2], [0, 2], [0, 1]]),
        (Storage(floor=0.0), [[0, 1, 2, 3], [0, 2], [0, 1, 2, 3]]),
    ],
)
@pytest.mark.parametrize("form", [lambda p: p, as_csr])
def test_kept_are_true_labels_the_likely_the_top_and_the_predicted(storage, kept, form):
    # Tag "c" is predicted from 0.1 on, so its 0.1 and 0.3 stay whatever else is asked.
    thresholds = {"a": 0.9, "b": 0.9, "c": 0.1, "d": 0.9}
    found, told = cut_predictions(form(MADE), thresholds, storage)
    values = found.to_dense().y_prob
    assert [np.flatnonzero(row).tolist() for row in values] == kept
    assert (values[values > 0] == MADE.y_prob[values > 0]).all()
    assert told.num_kept == int((values > 0).sum())
    assert told.num_kept + told.num_cut == int((MADE.y_prob > 0).sum())
    cut = MADE.y_prob[(values == 0) & (MADE.y_prob > 0)]
    assert told.largest_cut == pytest.approx(cut.max(initial=0))
    assert found.to_dense().y_true.tolist() == MADE.y_true.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_no_decision_changes_by_rounding_or_cutting(seed):
    p = drawn(seed)
    rng = np.random.default_rng(seed)
    # Thresholds right beside probabilities that there are, and at both ends.
    values = rng.choice(p.y_prob.ravel(), 40)
    cuts = np.where(rng.random(40) < 0.5, values, np.nextafter(values, np.float32(1)))
    cuts[:3] = 0, 1, 1e-30
    thresholds = dict(zip(p.tags, map(float, cuts), strict=True))
    for form in (p, as_csr(p)):
        found, kept = cut_predictions(form, thresholds, Storage(0.2, 3, 16))
        assert found.to_dense().decide(thresholds).tolist() == p.decide(thresholds).tolist()
        assert kept.num_cut > 1_000
        back = unpack_predictions(pack_predictions(found, kept))
        assert back.to_dense().y_prob.tobytes() == found.to_dense().y_prob.tobytes()


def test_rounding_stays_within_half_a_step_but_for_those_at_the_threshold():
    prob = np.linspace(0, 1, 50_001, dtype=np.float32)
    far = round_to_half(prob, np.full_like(prob, 2.0))
    assert (
        far.tolist() == np.maximum(prob.astype(np.float16), np.float16(6e-8) * (prob > 0)).tolist()
    )
    cut = np.full_like(prob, np.float32(0.7))
    near = round_to_half(prob, cut)
    assert (decide(near, 0.7) == decide(prob, 0.7)).all()
    assert np.abs(near - prob).max() < 0.0005


def test_half_precision_takes_half_the_bytes_and_says_what_was_cut():
    p = drawn(n=2_000)
    found, kept = cut_predictions(p, {}, Storage(floor=0.05, precision=16))
    packed = pack_predictions(found, kept)
    assert len(packed) < len(pack_predictions(p)) / 3
    schema = parquet.read_schema(io.BytesIO(packed))
    assert str(schema.field("probabilities").type.value_type) == "halffloat"
    assert b'"floor":0.05' in schema.metadata[b"stored"]
    assert unpack_predictions(packed).y_prob.dtype == np.float32
    assert "from 0.05 on" in kept.describe()
    assert describe_cut(kept.to_json()) == kept.describe()


@pytest.mark.parametrize("found", [None, "cut", {"floor": 1}, {"precision": "so"}, [1], {"x": {}}])
def test_what_is_no_description_of_a_cut_is_passed_over(found):
    assert describe_cut(found) == ""


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"floor": 1.5}, "floor: a number from 0 to 1 is needed, got 1.5"),
        ({"floor": float("nan")}, "floor: a number from 0 to 1"),
        ({"top_k": 0}, "top-k: a whole number of 1 or more is needed, got 0"),
        ({"precision": 8}, "precision: 16 or 32"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(asked, message):
    with pytest.raises(TagifaiError, match=message):
        Storage(**asked)


def test_large_predictions_with_gaps_are_read_as_csr_and_equal(monkeypatch):
    p = drawn()
    found, kept = cut_predictions(p, {}, Storage(top_k=3))
    packed = pack_predictions(found, kept)
    dense = unpack_predictions(packed)
    assert not dense.is_sparse
    monkeypatch.setattr(matrices, "DENSE_PAIRS", 1_000)
    csr = unpack_predictions(packed)
    assert csr.is_sparse
    assert csr.y_prob.toarray().tolist() == dense.y_prob.tolist()
    assert csr.y_true.toarray().tolist() == dense.y_true.tolist()
    assert pack_predictions(csr, kept) == packed
    again, _ = cut_predictions(dense, {}, Storage(top_k=3))
    assert again.is_sparse


def test_what_counts_against_the_limit_is_what_is_stored():
    n, t = 30_000, 3_000
    ends = np.arange(n + 1)
    prob = sparse.csr_array((np.full(n, 0.5, np.float32), np.arange(n) % t, ends), shape=(n, t))
    true = sparse.csr_array((n, t), dtype=np.uint8)
    made = Predictions.of(range(n), ["test"] * n, [f"t{k}" for k in range(t)], true, prob)
    packed = pack_predictions(made)
    # As arrays they would take 450 MB.
    assert unpack_predictions(packed, unpacked=Limit("max_unpacked", 5_000_000)).is_sparse
    check_size(packed, Limit("max_unpacked", 5_000_000))
    for refuse in (unpack_predictions, check_size):
        with pytest.raises(TagifaiError, match="bytes once unpacked; at most 500,000"):
            refuse(packed, unpacked=Limit("max_unpacked", 500_000))


def test_a_cut_of_nothing_says_nothing():
    assert Kept(0.0, None, 32, 3, 0, 0.0).is_exact
    assert Kept(None, None, 16, 3, 0, 0.0).describe().startswith("predictions are stored in half")
