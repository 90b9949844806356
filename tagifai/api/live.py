"""Predictors of this process, which a version's `predictor.json` can name while they live.

A fitted estimator or a function is in no file. `show` puts it here under a name of its own, and
`python:tagifai.api.live:NAME` finds it as it finds any object of a module.
"""

from itertools import count

from tagifai.models.predictor import Predictor
from tagifai.models.predictor_spec import PredictorSpec

_predictors: dict[str, Predictor] = {}
_numbers = count(1)


def register(predictor: Predictor) -> PredictorSpec:
    """Put a predictor here, and return what names it."""
    name = f"predictor_{next(_numbers)}"
    _predictors[name] = predictor
    return PredictorSpec("python", f"{__name__}:{name}")


def forget(spec: PredictorSpec) -> None:
    """Take a predictor away."""
    _predictors.pop(spec.source.rpartition(":")[2], None)


def __getattr__(name: str) -> Predictor:
    try:
        return _predictors[name]
    except KeyError:
        raise AttributeError(f"no predictor {name!r} lives in this process") from None
