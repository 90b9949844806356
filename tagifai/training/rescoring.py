"""Score a version again at other thresholds, from its predictions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tagifai.behavioral import BehavioralTest
from tagifai.data import Dataset
from tagifai.data.project_table import projects_by_id
from tagifai.metrics import overall_metrics, per_tag_metrics
from tagifai.models.predictor import Cancelled, CheckedPredictor, Progress
from tagifai.predictions import Predictions
from tagifai.slices import Slice
from tagifai.store.sources import pack_json
from tagifai.store.versions import Version
from tagifai.text.languages import recorded_language
from tagifai.text.preprocessing import TextPreprocessor
from tagifai.training.version_warnings import find_warnings, read_warnings, renew_warnings

if TYPE_CHECKING:
    from tagifai.behavioral import PredictTags


def rescore(
    version: Version,
    predictions: Predictions,
    thresholds: Mapping[str, float],
    *,
    predictor: CheckedPredictor | None = None,
    dataset: Dataset | None = None,
    slices: Mapping[str, Slice] | None = None,
    saved: Sequence[BehavioralTest] = (),
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> dict[str, bytes]:
    """Return thresholds.json, performance.json and version.json for other thresholds.

    With a dataset that still has every project, slices are measured again, and with the predictor
    behavioral tests as well. Without, they are left out, since their figures no longer hold.

    Parameters
    ----------
    version, predictions
        The version as it is.
    thresholds : mapping
        By tag, the probability from which it is predicted now.
    predictor : CheckedPredictor, optional
        Of this version; behavioral tests ask it.
    dataset, slices, saved
        What slices and behavioral tests are measured with: see `measure`.
    progress, cancelled : callable, optional
        As `CheckedPredictor.predict_proba` takes them.

    Returns
    -------
    dict of str to bytes
        The content of each file by its name.

    Raises
    ------
    PredictionCancelled
        ``cancelled`` returned true.
    TagifaiError
        The predictor fails.
    """
    ask = _Asked(predictor, progress, cancelled)
    performance = _measure_again(version, predictions, thresholds, ask, dataset, slices, saved)
    performance = performance or _measure_test(predictions, thresholds)
    if note := version.performance.get("note"):
        performance["note"] = note
    warnings = renew_warnings(
        read_warnings(version.info.get("warnings")),
        find_warnings(predictions, thresholds, dataset),
    )
    info = {
        **version.info,
        "thresholds": "changed since training",
        "warnings": [warning.to_dict() for warning in warnings],
    }
    return {
        "thresholds.json": pack_json({tag: float(value) for tag, value in thresholds.items()}),
        "performance.json": pack_json(performance),
        "version.json": pack_json(info),
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    """A predictor, if there is one, and how it is asked."""

    predictor: CheckedPredictor | None
    progress: Progress | None
    cancelled: Cancelled | None


def _measure_again(
    version: Version,
    predictions: Predictions,
    thresholds: Mapping[str, float],
    ask: _Asked,
    dataset: Dataset | None,
    slices: Mapping[str, Slice] | None,
    saved: Sequence[BehavioralTest],
) -> dict[str, object] | None:
    """Measure everything again; None where a project is missing, or our own model."""
    by_id = projects_by_id(dataset.projects) if dataset else {}
    projects = [by_id[one] for one in predictions.ids if one in by_id]
    if dataset is None or len(projects) < len(predictions.ids):
        return None
    # How our own model preprocessed texts is known from the model alone.
    if ask.predictor is None and "estimator" in version.params:
        return None
    # Here: without a model nobody need wait for scikit-learn.
    from tagifai.training.evaluation import default_tests, label_texts, measure

    language = recorded_language(version.params)
    tests: Sequence[BehavioralTest] = ()
    if ask.predictor is not None:
        labelled = label_texts(predictions.split, projects)
        tests = default_tests(predictions.tags, dataset.tags, saved, language, labelled)
    return measure(
        *_functions(predictions.tags, thresholds, language, ask),
        thresholds,
        predictions,
        projects,
        tests,
        slices or {},
        dataset.projects,
        dataset.tags,
    )


def _functions(
    tags: Sequence[str], thresholds: Mapping[str, float], language: str, ask: _Asked
) -> "tuple[PredictTags, Callable[[str], str]]":
    """Return how a version predicts the tags of texts, and how it preprocesses a text."""
    from tagifai.models.adapters.own import OwnPredictor
    from tagifai.training.evaluation import cleaner_of, tags_by_classifier, tags_by_predictor

    if ask.predictor is None:
        return lambda texts: [()] * len(texts), TextPreprocessor(language=language)
    inner = ask.predictor.predictor
    if isinstance(inner, OwnPredictor):
        model = inner.classifier
        return tags_by_classifier(model, tags, thresholds), cleaner_of(model)
    by_predictor = tags_by_predictor(ask.predictor, thresholds, ask.progress, ask.cancelled)
    return by_predictor, TextPreprocessor(language=language)


def _measure_test(predictions: Predictions, thresholds: Mapping[str, float]) -> dict[str, object]:
    test = predictions.select("test")
    decided = test.decide(thresholds)
    y_prob = None if test.decisions_only else test.y_prob
    by_tag = per_tag_metrics(test.y_true, decided, test.tags, y_prob)
    found: dict[str, object] = {
        "overall": overall_metrics(test.y_true, decided, y_prob).to_json(),
        "class": {tag: asdict(scores) for tag, scores in by_tag.items()},
    }
    # Here: without a model nobody need wait for scikit-learn.
    from tagifai.training.evaluation import measure_ranking

    ranking = measure_ranking(predictions, test, decided)
    return found if ranking is None else {**found, "ranking": ranking.to_json()}
