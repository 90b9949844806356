"""The model of a version, composed from parameters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tagifai.data import Tag
from tagifai.errors import TagifaiError
from tagifai.models.params import Params

if TYPE_CHECKING:
    from tagifai.models.classifier import TagClassifier


ALL_WORKERS = -1
"""As a number of jobs: as many as joblib's backend has."""


def build_model(
    params: Params,
    names: Sequence[str],
    tags: Mapping[str, Tag],
    jobs: int = 1,
    scratch: Path | None = None,
) -> "TagClassifier":
    """Compose an unfitted model.

    Parameters
    ----------
    params
        All modelling choices.
    names
        The tags to learn.
    tags
        The metadata that aliases come from.
    jobs
        The number of processes that fit; -1: as many as joblib's backend has.
    scratch
        The folder in which processes find what they fit to; None: that of temporary files.

    Raises
    ------
    TagifaiError
        Fewer jobs than one.
    """
    if jobs != ALL_WORKERS:
        check_jobs(jobs)
    # Imported here, so that commands that only read parameters do not wait for scikit-learn.
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
        prune=params.prune,
        seed=params.seed,
        jobs=jobs,
        scratch=scratch,
    )


def check_jobs(jobs: int) -> None:
    """Check the number of processes.

    Raises
    ------
    TagifaiError
        Fewer than one.
    """
    if jobs < 1:
        raise TagifaiError(f"jobs must be 1 or more, got {jobs}")
