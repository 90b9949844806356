import io
import pickle
import time
import zipfile
from dataclasses import dataclass

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from small_corpus import SMALL_PARAMS, TAGS, small_dataset

from tagifai.data import prepare
from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits
from tagifai.models import build_model
from tagifai.models.classifier import TagClassifier
from tagifai.models.persistence import dump_model, load_model, save_model
from tagifai.training.train import label_matrix

PREPARED = prepare(small_dataset(), 10)
TEXTS = [project.text for project in PREPARED.projects]


@pytest.fixture(scope="module", params=["fuzzy", "none"])
def model(request):
    params = SMALL_PARAMS.replaced({"aliases": request.param})
    return build_model(params, PREPARED.tags, TAGS).fit(TEXTS, label_matrix(PREPARED))


def test_a_loaded_model_predicts_the_same_bits(model, tmp_path):
    save_model(model, tmp_path / "model.skops")
    assert [path.name for path in tmp_path.iterdir()] == ["model.skops"]
    started = time.perf_counter()
    loaded = load_model(tmp_path / "model.skops")
    assert time.perf_counter() - started < 5
    texts = [*TEXTS[:20], "transfromers", "", "computervision \U0001d54f"]
    np.testing.assert_array_equal(loaded.predict_proba(texts), model.predict_proba(texts))
    np.testing.assert_array_equal(loaded.predict(texts), model.predict(texts))
    assert loaded.tags == PREPARED.tags
    assert not hasattr(loaded, "oof_prob_")


@dataclass
class Hostile:
    command: str = "touch /tmp/never"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a model file"),
        (b"PK\x05\x06" + bytes(18), "not a model that can be read"),
        (pickle.dumps([1]), "not a model file"),
        (skops.io.dumps({"a": 1}), "a TagClassifier is needed, got dict"),
        (skops.io.dumps(LogisticRegression()), "a TagClassifier is needed"),
        (skops.io.dumps(Hostile()), "types that no model of ours has: .*Hostile"),
    ],
)
def test_what_is_not_ours_is_refused(data, message):
    with pytest.raises(TagifaiError, match=message):
        load_model(data)


def test_an_unfitted_model_is_refused():
    with pytest.raises(TagifaiError, match="never fitted"):
        load_model(dump_model(build_model(SMALL_PARAMS, PREPARED.tags, TAGS)))


def test_a_damaged_file_is_refused(model):
    data = bytearray(dump_model(model))
    for start in range(200, len(data) - 200, len(data) // 20):
        damaged = bytes(data[:start]) + bytes(40) + bytes(data[start + 40 :])
        with pytest.raises(TagifaiError):
            load_model(damaged)


def test_an_archive_that_unpacks_to_too_much_is_refused():
    limits = Limits(unpacked=Limit("max_unpacked", 1000))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", " " * 1001)
    with pytest.raises(
        TagifaiError, match=r"1,001 bytes once unpacked; at most 1,000 .*MAX_UNPACKED"
    ):
        load_model(packed.getvalue(), limits)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TagifaiError, match=r"none\.skops: cannot be read"):
        load_model(tmp_path / "none.skops")


@pytest.mark.parametrize(
    "changed",
    [
        {"indices": np.array([0, 10**9], np.int32)},
        {"indices": np.array([0, -1], np.int32)},
        {"indptr": np.array([0, 5, 2], np.int64)},
        {"data": np.array([1.0, 2.0])},
        {"shape": np.array([2])},
        {"data": None},
    ],
)
def test_sparse_weights_that_reach_outside_are_refused(changed):
    arrays = {
        "data": np.array([1.0, 2.0], np.float16),
        "indices": np.array([0, 1], np.int32),
        "indptr": np.array([0, 1, 2], np.int64),
        "shape": np.array([2, 2]),
    }
    state = {"coef_arrays": dict(arrays)}
    model = TagClassifier.__new__(TagClassifier)
    model.__setstate__(state)
    assert model.coef_.toarray().tolist() == [[1.0, 0.0], [0.0, 2.0]]
    with pytest.raises(ValueError, match=r"\w"):
        model.__setstate__({"coef_arrays": {**arrays, **changed}})
