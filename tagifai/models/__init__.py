"""The model of a version, composed from parameters."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tagifai.data import Tag
from tagifai.errors import TagifaiError
from tagifai.models.params import Params

if TYPE_CHECKING:
    from tagifai.models.classifier import TagClassifier


def build_model(
    params: Params, names: Sequence[str], tags: Mapping[str, Tag], jobs: int = 1
) -> "TagClassifier":
    """Compose the unfitted model that `params` choose, for the tags `names`.

    `tags` is the metadata that aliases come from; `jobs` processes fit the folds.

    Raises:
        TagifaiError: fewer jobs than one.
    """
    check_jobs(jobs)
    # Here: whoever only reads parameters need not wait for scikit-learn.
    from tagifai.models.classifier import TagClassifier
    from tagifai.models.features import build_features
    from tagifai.models.linear import build_members

    return TagClassifier(
        build_features(params, names, tags),
        build_members(params),
        tags=tuple(names),
        folds=params.folds,
        calibration=params.calibration,
        thresholds=params.thresholds,
        threshold=params.threshold,
        threshold_shrinkage=params.threshold_shrinkage,
        threshold_smoothing=params.threshold_smoothing,
        seed=params.seed,
        jobs=jobs,
    )


def check_jobs(jobs: int) -> None:
    """Refuse fewer processes than one.

    Raises:
        TagifaiError: fewer than one.
    """
    if jobs < 1:
        raise TagifaiError(f"jobs must be 1 or more, got {jobs}")
