"""The model of a version: composed from parameters, saved and loaded."""

from collections.abc import Mapping, Sequence

from tagifai.data import Tag
from tagifai.models.classifier import TagClassifier
from tagifai.models.features import build_features
from tagifai.models.linear import build_members
from tagifai.models.params import Params
from tagifai.models.persistence import dump_model, load_model, save_model

__all__ = ["build_model", "dump_model", "load_model", "save_model"]


def build_model(
    params: Params, names: Sequence[str], tags: Mapping[str, Tag], jobs: int = 1
) -> TagClassifier:
    """Compose the unfitted model that `params` choose, for the tags `names`.

    `tags` is the metadata that aliases come from; `jobs` processes fit the folds.
    """
    return TagClassifier(
        build_features(params, names, tags),
        build_members(params),
        tags=tuple(names),
        folds=params.folds,
        calibration=params.calibration,
        thresholds=params.thresholds,
        threshold=params.threshold,
        threshold_shrinkage=params.threshold_shrinkage,
        seed=params.seed,
        jobs=jobs,
    )
