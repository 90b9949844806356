"""One version has one set of decisions: figures, lists, exports, flips and predictions agree."""

import json
import shutil

import numpy as np
import pytest

from tagifai.inference import predict_tags
from tagifai.inference.counterfactuals import smallest_changes
from tagifai.inspection.export import export_outcomes
from tagifai.predictions import Predictions
from tagifai.reviews.tasks import build_tasks
from tagifai.reviews.verdicts import preview_changes
from tagifai.services.comparisons import ComparisonService
from tagifai.services.data import DataService
from tagifai.services.inspection import InspectionService
from tagifai.services.versions import VersionService
from tagifai.slices.builder import measure_slice
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import WORKSPACE, FolderSource
from tagifai.store.versions import load_version
from tagifai.training.adding import version_of
from tagifai.training.rescoring import rescore

ROUNDED = (0.7, 0.1, 0.3, 0.9, 0.5, 0.05)


def desk_on(data, models) -> InspectionService:
    source, cache = FolderSource(models), ContentCache(open_memory(None))
    return InspectionService(VersionService(source, cache, DataService(data)))


def with_thresholds(desk, name, thresholds) -> None:
    """Write a version anew at other thresholds, its figures measured again."""
    source, versions = desk.versions.source, desk.versions
    version = load_version(source, name)
    predictor = versions.predictor(name) if versions.can_predict(name) else None
    files = {file: source.read(name, file) for file in source.sizes(name)}
    dataset = versions.data.get().dataset
    scored = rescore(
        version, versions.predictions(name), thresholds, predictor=predictor, dataset=dataset
    )
    source.write(name, {**files, **scored})


def counts_told(desk, name, tag, other) -> dict[str, tuple[int, ...]]:
    """Count tp, fp and fn of a tag in each way that the app tells them."""
    versions = desk.versions
    predictions, thresholds = versions.predictions(name), versions.thresholds(name)
    column = predictions.tags.index(tag)
    told = {}
    row = next(row for row in desk.tag_table(name) if row.tag == tag)
    told["table"] = row.tp, row.fp, row.fn
    row = desk.threshold_metrics(name, tag, desk.threshold_of(name, tag))
    told["slider"] = row.tp, row.fp, row.fn
    row = versions.load(name).performance["class"][tag]
    tp = round((row["recall"] or 0) * row["num_samples"])
    told["performance.json"] = tp, row["num_predicted"] - tp, row["num_samples"] - tp
    told["lists"] = tuple(
        desk.outcomes(name, tag, one, threshold=thresholds[tag]).num_found
        for one in ("tp", "fp", "fn")
    )
    exported = {
        one: json.loads(export_outcomes(desk.all_outcomes(name, tag, one), "json", tag=tag,
                                        outcome=one))
        for one in ("tp", "fp", "fn", "tn")
    }  # fmt: skip
    told["exports"] = tuple(len(exported[one]) for one in ("tp", "fp", "fn"))
    rows = [row for rows in exported.values() for row in rows]
    told["exported tags"] = tuple(
        sum(wanted(tag in row["y_true"], tag in row["y_pred"]) for row in rows)
        for wanted in (
            lambda true, chosen: true and chosen,
            lambda true, chosen: not true and chosen,
            lambda true, chosen: true and not chosen,
        )
    )
    flips = [one.flip for one in ComparisonService(versions).flips(other, name, tag)]
    wrong = [flip.y_true for flip in flips if flip.kind in ("broke", "both wrong")]
    told["flips"] = tp, wrong.count(0), wrong.count(1)
    test = np.flatnonzero(predictions.split == "test")
    only = Predictions.of(
        predictions.ids, predictions.split, [tag], predictions.y_true[:, [column]],
        predictions.y_prob[:, [column]],
    )  # fmt: skip
    in_slice = measure_slice(only, thresholds, test)
    pooled = preview_changes(only, thresholds, {}).now.micro
    for place, recall, precision in (
        ("slice", in_slice.recall.value, in_slice.precision.value),
        ("reviews", pooled.recall, pooled.precision),
    ):
        found = round((recall or 0) * row_sum(told["table"], 0, 2))
        chosen = round(found / precision) if precision else told["table"][1] + found
        told[place] = found, chosen - found, row_sum(told["table"], 0, 2) - found
    projects = versions.texts()
    asked = [(predictions.ids[row], tag) for row in test]
    tasks = build_tasks(
        [], projects, predictions.tags, asked=asked, predictions=predictions, thresholds=thresholds
    )
    truth = {predictions.ids[row]: predictions.y_true[row, column] for row in test}
    told["tasks"] = outcomes_of((truth[task.project], tag in task.predicted) for task in tasks)
    if versions.keeps_model(name):
        ids = list(truth)
        answers = versions.predict(name, [projects[one].text for one in ids])
        told["predict"] = outcomes_of(
            (truth[one], tag in answer.tags) for one, answer in zip(ids, answers, strict=True)
        )
        chosen = versions.model(name).predict([projects[one].text for one in ids])
        if versions.model(name).thresholds_[column] == thresholds[tag]:
            told["model"] = outcomes_of(zip(truth.values(), chosen[:, column], strict=True))
    return told


def row_sum(values, *places) -> int:
    return sum(values[place] for place in places)


def outcomes_of(pairs) -> tuple[int, int, int]:
    pairs = [(bool(true), bool(chosen)) for true, chosen in pairs]
    return pairs.count((True, True)), pairs.count((False, True)), pairs.count((True, False))


def neighbours(value) -> dict[str, float]:
    """Put thresholds on a stored probability and beside it, in 64 bits and in 32."""
    stored = np.float32(value)
    return {
        "the very one": float(stored),
        "just above, in 64 bits": float(np.nextafter(float(stored), 1)),
        "just below, in 64 bits": float(np.nextafter(float(stored), 0)),
        "just above": float(np.nextafter(stored, np.float32(1))),
        "just below": float(np.nextafter(stored, np.float32(0))),
    }


@pytest.mark.parametrize("where", neighbours(0.5))
def test_a_trained_version_decides_alike_wherever_it_is_asked(
    small_data, small_models, tmp_path, where
):
    shutil.copytree(small_models, tmp_path / "model")
    desk = desk_on(small_data, tmp_path / "model")
    test = desk.versions.predictions(WORKSPACE).select("test")
    middle = np.sort(test.y_prob, axis=0)[len(test.ids) // 2]
    thresholds = {
        tag: neighbours(value)[where] for tag, value in zip(test.tags, middle, strict=True)
    }
    with_thresholds(desk, WORKSPACE, thresholds)
    for column, tag in enumerate(test.tags):
        expected = outcomes_of(
            zip(
                test.y_true[:, column],
                test.y_prob[:, column] >= np.float32(thresholds[tag]),
                strict=True,
            )
        )
        told = counts_told(desk, WORKSPACE, tag, "v0.1.0")
        assert told == dict.fromkeys(told, expected), tag
        assert "predict" in told


@pytest.mark.parametrize("threshold", ROUNDED)
def test_rounded_probabilities_reach_a_threshold_of_the_same_digits(
    small_data, small_models, tmp_path, threshold
):
    shutil.copytree(small_models, tmp_path / "model")
    desk = desk_on(small_data, tmp_path / "model")
    kept = desk.versions.predictions(WORKSPACE)
    rng = np.random.default_rng(7)
    prob = rng.choice([0.0, *ROUNDED, 1.0], size=kept.y_prob.shape)
    rounded = Predictions.of(kept.ids, kept.split, kept.tags, kept.y_true, prob)
    files = version_of(rounded, desk.versions.data.get().dataset, threshold, "v0.3.0").to_files()
    desk.versions.source.write("v0.3.0", files)
    test = kept.split == "test"
    for column, tag in enumerate(kept.tags):
        # In decimals, as they were given.
        expected = outcomes_of(
            zip(kept.y_true[test, column], prob[test, column] >= threshold, strict=True)
        )
        told = counts_told(desk, "v0.3.0", tag, "v0.1.0")
        assert told == dict.fromkeys(told, expected), tag


def test_the_smallest_change_starts_from_what_predict_tells(small_data, small_models):
    versions = desk_on(small_data, small_models).versions
    model, tags = versions.model("v0.1.0"), versions.predictions("v0.1.0").tags
    # Words of two tags that come seldom together: no probability is at its end.
    text = "camera photos corpus sentences"
    tag, column = tags[0], 0
    probability = model.predict_proba([text])[0, column]
    assert 0.01 < probability < 0.99
    for where, threshold in neighbours(probability).items():
        (answer,) = predict_tags(model, tags, dict.fromkeys(tags, threshold), [text])
        predicted = where != "just above"
        assert (tag in answer.tags) is predicted
        changes = smallest_changes(model, tags, dict.fromkeys(tags, threshold), text, tag)
        # What is predicted is taken away, what is not is brought about.
        assert [change.after < change.before for change in changes] == [predicted] * len(changes)
        assert changes
