"""Assemble a version's performance from its predictions and its model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tagifai.behavioral import BehavioralTest, PredictTags, run_behavioral
from tagifai.behavioral.generation import generate_tests
from tagifai.behavioral.rewording import LabelledText, generate_rewordings
from tagifai.data import Project, Tag
from tagifai.inference import decide_tags
from tagifai.matrices import Matrix, column_sums
from tagifai.metrics import performance
from tagifai.metrics.ranking import MANY_TAGS, RankingFigures, ranking_figures
from tagifai.models.classifier import TagClassifier
from tagifai.models.predictor import Cancelled, CheckedPredictor, Progress
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.slices import Slice, select_slices
from tagifai.text.languages import DEFAULT_LANGUAGE

MOST_TESTED = 500
"""Tests are generated for so many tags at most: a dozen and more each, kept with the version."""


def choose_tested_tags(names: Sequence[str]) -> list[str]:
    """Return the tags that tests are generated for: all, or evenly spaced ones of very many.

    >>> len(choose_tested_tags([str(number) for number in range(4_000)]))
    500
    """
    if len(names) <= MOST_TESTED:
        return list(names)
    ordered = sorted(names)
    places = np.linspace(0, len(ordered) - 1, MOST_TESTED).round().astype(int)
    return [ordered[place] for place in places.tolist()]


def default_tests(
    names: Sequence[str],
    tags: Mapping[str, Tag],
    saved: Sequence[BehavioralTest] = (),
    language: str = DEFAULT_LANGUAGE,
    split_texts: tuple[Sequence[LabelledText], Sequence[LabelledText]] = ((), ()),
) -> tuple[BehavioralTest, ...]:
    """Return the `saved` tests of a data folder, and those generated for the tags `names`.

    Parameters
    ----------
    names : sequence of str
        The tags that a version knows; of very many, tests are generated for `choose_tested_tags`.
    tags : mapping
        What the data's tag file says of them.
    saved : sequence of BehavioralTest
        Tests of the data folder.
    language : str
        The language of generated texts.
    split_texts : (sequence, sequence) of LabelledText
        Training and test texts (see `label_texts`); tests without names are made of them.
    """
    described = {name: tags.get(name, Tag(name)) for name in choose_tested_tags(names)}
    return (
        *saved,
        *generate_tests(described, language=language),
        *generate_rewordings(*split_texts, described, language=language),
    )


def label_texts(
    splits: Iterable[str], projects: Iterable[Project | None]
) -> tuple[list[LabelledText], list[LabelledText]]:
    """Return the texts of training (with validation) and of test; None is left out.

    They are sorted, so that versions of the same split get the same.
    """
    parts: tuple[list[LabelledText], list[LabelledText]] = ([], [])
    for split, project in zip(splits, projects, strict=True):
        if project is not None:
            one = LabelledText(project.text, frozenset(project.tags))
            parts[split == "test"].append(one)
    for part in parts:
        part.sort(key=lambda one: (one.text, sorted(one.tags)))
    return parts


def tags_by_classifier(
    model: TagClassifier, tags: Sequence[str], thresholds: Mapping[str, float]
) -> PredictTags:
    """Return a function from texts to the tags that our classifier predicts, likeliest first."""

    def predicted(texts: list[str]) -> list[tuple[str, ...]]:
        return decide_tags(model, tags, thresholds, texts)

    return predicted


def tags_by_predictor(
    predictor: CheckedPredictor,
    thresholds: Mapping[str, float],
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> PredictTags:
    """Return a function from texts to the tags that any predictor predicts, in its own order."""
    tags, cuts = predictor.tags, threshold_array(predictor.tags, thresholds)

    def predicted(texts: list[str]) -> list[list[str]]:
        prob = predictor.predict_proba(texts, progress, cancelled)
        return [[tags[column] for column in np.flatnonzero(row)] for row in decide(prob, cuts)]

    return predicted


def cleaner_of(model: TagClassifier) -> Callable[[str], str]:
    """Return how our classifier preprocesses a text."""
    clean: Callable[[str], str] = model.features_.named_steps["preprocess"].clean
    return clean


def measure(
    predict: PredictTags,
    clean: Callable[[str], str],
    thresholds: Mapping[str, float],
    predictions: Predictions,
    projects: Sequence[Project],
    tests: Sequence[BehavioralTest],
    slices: Mapping[str, Slice] | None = None,
    among: Sequence[Project] | None = None,
    described: Mapping[str, Tag] | None = None,
) -> dict[str, Any]:
    """Score test projects, slices of them, and behavioral tests.

    Parameters
    ----------
    predict : callable
        From texts to the tags predicted for each.
    clean : callable
        How the version preprocesses a text, which slices of words look at.
    thresholds, predictions
        By tag the probability from which it is predicted, and the probabilities of all projects.
    projects : sequence of Project
        In the order of `predictions`, with all of their tags.
    tests : sequence of BehavioralTest
        What the model is tested on.
    slices : mapping, optional
        Slices to score, by name.
    among : sequence of Project, optional
        All projects of the data: see `select_slices`. `projects` by default.
    described : mapping, optional
        The tags of the data, whose aliases the name matcher uses.

    Returns
    -------
    dict
        Figures in the shape of `performance.json`.
    """
    tags = predictions.tags
    rows = np.flatnonzero(predictions.split == "test")
    test = predictions.take(rows)
    decided = decide(test.y_prob, threshold_array(tags, thresholds))
    found = performance(
        test.y_true,
        decided,
        tags,
        y_prob=None if test.decisions_only else test.y_prob,
        slices=select_slices(
            [projects[int(row)] for row in rows], clean, slices, among=among or projects
        ),
        behavioral=run_behavioral(tests, predict, tags, described).to_dict(),
    )
    ranking = measure_ranking(predictions, test, decided)
    return found if ranking is None else {**found, "ranking": ranking.to_json()}


def measure_ranking(
    predictions: Predictions, test: Predictions, decided: Matrix
) -> RankingFigures | None:
    """Score the order of tags where there are many; None of few tags, or of decisions alone.

    Tags are rare or frequent by the projects outside of test.
    """
    if len(test.tags) < MANY_TAGS or test.decisions_only:
        return None
    learned = np.flatnonzero(predictions.split != "test")
    counts, num_train = column_sums(predictions.y_true[learned]), len(learned)
    if not num_train:
        counts, num_train = column_sums(test.y_true), len(test.ids)
    return ranking_figures(test.y_true, test.y_prob, decided, counts=counts, num_train=num_train)
