"""Estimate the size of a version before it is trained, to refuse at once what is too large."""

from collections.abc import Sequence

from sklearn.pipeline import Pipeline

from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits, unpacked_size
from tagifai.models.persistence import dump_model
from tagifai.predictions import Predictions

# A weight is stored in 16 bits.
_WEIGHT = 2
# What a model stores besides features and weights: parameters, intercepts, thresholds.
_REST = 500_000


def check_predictions(ids: Sequence[str], tags: Sequence[str], limits: Limits) -> None:
    """Refuse a training whose predictions could not be read back.

    Parameters
    ----------
    ids : sequence of str
        The ids of all projects that are predicted, those of the test split included.
    tags : sequence of str
        The tags to learn.
    limits : Limits
        How large files may be.

    Raises
    ------
    TagifaiError
        They would be too large; the message says how large, and which setting allows more.
    """
    pairs = f"{len(ids):,} projects × {len(tags):,} tags"
    size = Predictions.unpacked_size(ids, tags)
    _check(size, limits.unpacked, f"the predictions of {pairs}", "once unpacked")
    # Probabilities hardly shrink when they are compressed.
    _check(4 * len(ids) * len(tags), limits.file, f"the predictions of {pairs}")


def check_model(features: Pipeline, num_tags: int, limits: Limits, *, pruned: bool) -> None:
    """Refuse a training whose model could not be read back.

    Parameters
    ----------
    features : Pipeline
        The fitted features.
    num_tags : int
        The number of tags to learn.
    limits : Limits
        How large files may be.
    pruned : bool
        Whether small weights are left out; how many stay is known afterwards.

    Raises
    ------
    TagifaiError
        It would be too large; the message says how large, and which setting allows more.
    """
    num_features, packed, unpacked = measure_features(features)
    weights = (0 if pruned else _WEIGHT * num_features * num_tags) + _REST
    what = f"a model of {num_features:,} features × {num_tags:,} tags"
    _check(weights + packed, limits.file, what)
    _check(weights + unpacked, limits.unpacked, what, "once unpacked")


def measure_features(features: Pipeline) -> tuple[int, int, int]:
    """Count fitted features and their bytes.

    Returns
    -------
    tuple of int
        The number of features, and the bytes that they take in a model's file as it is and once
        unpacked, without their weights.
    """
    content = dump_model(features)
    width = sum(part.width for _, part in features.named_steps["features"].transformer_list)
    return width, len(content), unpacked_size(content)


def _check(size: int, limit: Limit, what: str, when: str = "") -> None:
    if size > limit.num_bytes:
        raise TagifaiError(
            f"{what} would take up to {size:,} bytes{' ' + when if when else ''}, and at most "
            f"{limit} are read; allow more, or learn fewer tags (min_tag_freq)"
        )
