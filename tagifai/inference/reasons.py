"""Which predictors can be explained exactly, and explanations of one tag by any predictor."""

from dataclasses import replace

from tagifai.inference.attribution import Attribution, TextPart, split_parts
from tagifai.inference.explanation import TagExplanation, WordEffect
from tagifai.inference.linear_pipelines import LinearPipeline, recognize
from tagifai.models.adapters.sklearn import SklearnPredictor
from tagifai.models.calibrated import CalibratedPredictor
from tagifai.models.predictor import CheckedPredictor
from tagifai.text.alignment import PlacedWord


def inner_predictor(predictor: object) -> object:
    """Return what predicts before anything is calibrated or checked."""
    while isinstance(predictor, CheckedPredictor | CalibratedPredictor):
        predictor = predictor.predictor
    return predictor


def find_pipeline(predictor: CheckedPredictor) -> LinearPipeline | None:
    """Return the linear pipeline that a predictor is, None where it is none that is known.

    Log-odds that Platt's method calibrated are linear still; isotonic ones are not.
    """
    calibration = None
    if isinstance(predictor.predictor, CalibratedPredictor):
        calibration = predictor.predictor.calibration
    inner = inner_predictor(predictor)
    if not isinstance(inner, SklearnPredictor) or inner.column:
        return None
    found = recognize(inner.estimator, inner.method)
    if found is None or found.coef.shape[1] != len(predictor.tags):
        return None
    if calibration is None:
        return found
    if calibration.kind != "platt":
        return None
    coef, intercept = found.coef.copy(), found.intercept.copy()
    for column, (slope, offset) in enumerate(calibration.curves):
        if slope:
            coef[:, column] *= slope[0]
            intercept[column] = slope[0] * intercept[column] + offset[0]
    return replace(found, coef=coef, intercept=intercept)


def explain_tag(found: Attribution, column: int) -> TagExplanation:
    """Return the part of an attribution about one tag, by its column."""
    noise = found.noise[:, column]
    return TagExplanation(
        words=tuple(
            _word(part, float(value), float(error))
            for part, value, error in zip(
                found.parts, found.contributions[:, column], noise, strict=True
            )
        ),
        names=0.0,
        intercept=float(found.base[column]),
        calibration=0.0,
        log_odds=float(found.log_odds[column]),
        method=found.method,
        num_texts=found.num_texts,
        error=float(found.error[column]),
    )


def untold_words(text: str) -> tuple[WordEffect, ...]:
    """Return the words of a text before anybody knows what they add."""
    return tuple(_word(part, 0.0, 0.0) for part in split_parts(text))


def place_parts(text: str) -> tuple[PlacedWord, ...]:
    """Return the words that can be dropped and replaced, numbered as `explain_tag` lists them."""
    return tuple(PlacedWord(part.text, part.start, part.stop) for part in split_parts(text))


def _word(part: TextPart, value: float, noise: float) -> WordEffect:
    return WordEffect(part.text, part.start, part.stop, part.text, True, value, noise)
