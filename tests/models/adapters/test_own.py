import numpy as np
import pytest
from small_corpus import SMALL_PARAMS, TAGS, small_dataset

from tagifai.data import prepare
from tagifai.errors import TagifaiError
from tagifai.models import build_model
from tagifai.models.adapters import as_predictor, load_predictor
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.persistence import save_model
from tagifai.models.predictor import predict_checked
from tagifai.models.predictor_spec import PredictorSpec
from tagifai.training.train import label_matrix

PREPARED = prepare(small_dataset(80), 10)
TEXTS = [project.text for project in PREPARED.projects]


@pytest.fixture(scope="module")
def model():
    return build_model(SMALL_PARAMS, PREPARED.tags, TAGS).fit(TEXTS, label_matrix(PREPARED))


def test_our_own_classifier_is_a_predictor_among_others(model, tmp_path):
    save_model(model, tmp_path / "model.skops")
    predictor = load_predictor(PredictorSpec("own", "model.skops"), LoadContext(folder=tmp_path))
    assert predictor.tags == PREPARED.tags
    assert predictor.thresholds == dict(zip(PREPARED.tags, model.thresholds_.tolist(), strict=True))
    np.testing.assert_array_equal(predict_checked(predictor, TEXTS), model.predict_proba(TEXTS))
    np.testing.assert_array_equal(
        predict_checked(as_predictor(model), TEXTS), model.predict_proba(TEXTS)
    )
    assert predictor.preprocess("The Transformers, of NLP!") == (
        "transformers natural language processing"
    )


def test_another_file_is_refused(tmp_path):
    (tmp_path / "model.skops").write_bytes(b"x")
    with pytest.raises(TagifaiError, match="not a model file"):
        load_predictor(PredictorSpec("own", "model.skops"), LoadContext(folder=tmp_path))
