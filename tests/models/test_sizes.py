import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits, unpacked_size
from tagifai.models.persistence import dump_model
from tagifai.models.sizes import measure_features
from tagifai.predictions import Predictions
from tagifai.training.train import train

DATASET = small_dataset(80)


@pytest.fixture(scope="module")
def trained():
    return train(DATASET, SMALL_PARAMS)


def test_the_estimates_are_no_less_than_what_is_written(trained):
    num_features, least, most = measure_features(trained.model.features_)
    assert num_features == len(trained.model.coef_)
    content = dump_model(trained.model)
    weights = trained.model.coef_.nbytes + 500_000
    assert least < len(content) < weights + least
    assert most < unpacked_size(content) < weights + most
    packed = trained.predictions.to_bytes()
    estimate = Predictions.unpacked_size(trained.predictions.ids, trained.predictions.tags)
    assert estimate - 5 * 4096 <= unpacked_size(packed) <= estimate


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (
            Limits(unpacked=Limit("max_unpacked", 20_000)),
            r"the predictions of 80 projects × 4 tags would take up to \d\d,\d{3} bytes once "
            r"unpacked, and at most 20,000 .*--max-unpacked",
        ),
        (
            Limits(file=Limit("max_file", 1_000)),
            r"the predictions of 80 projects × 4 tags would take up to 1,280 bytes, .*--max-file",
        ),
        (
            Limits(file=Limit("max_file", 2_000)),
            r"a model of [\d,]+ features × 4 tags would take up to [\d,]+ bytes, .*--max-file",
        ),
    ],
)
def test_what_is_too_large_is_said_before_anything_is_fitted(limits, message):
    fits = []
    with pytest.raises(TagifaiError, match=message):
        train(DATASET, SMALL_PARAMS, limits=limits, progress=lambda *told: fits.append(told))
    assert fits == []


def test_what_fits_is_trained_as_without_limits(trained):
    again = train(DATASET, SMALL_PARAMS, limits=Limits())
    assert again.predictions.to_bytes() == trained.predictions.to_bytes()
