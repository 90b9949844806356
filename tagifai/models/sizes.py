"""Estimate the size of a version before it is trained, to refuse at once what is too large."""

from collections.abc import Sequence

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits, unpacked_size
from tagifai.models.persistence import dump_model
from tagifai.predictions import Predictions

# A weight is stored in 16 bits.
_WEIGHT = 2
# What a model stores besides features and weights: parameters, intercepts, thresholds.
_REST = 500_000


def check_sizes(
    texts: Sequence[str],
    ids: Sequence[str],
    features: Pipeline,
    tags: Sequence[str],
    limits: Limits,
) -> None:
    """Refuse a training whose model or predictions could not be read back.

    Parameters
    ----------
    texts : sequence of str
        The texts to learn from.
    ids : sequence of str
        The ids of all projects that are predicted, those of the test split included.
    features : Pipeline
        The unfitted features of the model.
    tags : sequence of str
        The tags to learn.
    limits : Limits
        How large files may be.

    Raises
    ------
    TagifaiError
        Model or predictions would be too large; the message says how large, and which setting
        allows more.
    """
    pairs = f"{len(ids):,} projects × {len(tags):,} tags"
    size = Predictions.unpacked_size(ids, tags)
    _check(size, limits.unpacked, f"the predictions of {pairs}", "once unpacked")
    # Probabilities hardly shrink when they are compressed.
    _check(4 * len(ids) * len(tags), limits.file, f"the predictions of {pairs}")
    num_features, packed, unpacked = measure_features(texts, features)
    weights = _WEIGHT * num_features * len(tags) + _REST
    what = f"a model of {num_features:,} features × {len(tags):,} tags"
    _check(weights + packed, limits.file, what)
    _check(weights + unpacked, limits.unpacked, what, "once unpacked")


def measure_features(texts: Sequence[str], features: Pipeline) -> tuple[int, int, int]:
    """Fit features, which takes a small part of a training, and count them and their bytes.

    Returns
    -------
    tuple of int
        The number of features, and the bytes that they take in a model's file as it is and once
        unpacked, without their weights.
    """
    fitted = clone(features).fit(list(texts))
    content = dump_model(fitted)
    width = sum(part.width for _, part in fitted.named_steps["features"].transformer_list)
    return width, len(content), unpacked_size(content)


def _check(size: int, limit: Limit, what: str, when: str = "") -> None:
    if size > limit.num_bytes:
        raise TagifaiError(
            f"{what} would take up to {size:,} bytes{' ' + when if when else ''}, and at most "
            f"{limit} are read; allow more, or learn fewer tags (min_tag_freq)"
        )
