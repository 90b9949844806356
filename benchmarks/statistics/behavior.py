"""Whether the behavioral tests without names tell models apart that F1 does not.

Two plain scikit-learn classifiers learn the same projects: one of lower-case words, one of
characters as they are written. The second reaches the same F1 or more on Made With ML, but leans
on the case and the punctuation that the texts happen to have; the tests show it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from benchmarks.statistics.rows import Row, Settings, at_least, spread
from tagifai.arrays import Booleans
from tagifai.behavioral import WITHOUT_NAMES, run_behavioral
from tagifai.behavioral.rewording import LabelledText, generate_rewordings
from tagifai.comparison.behavior import compare_behavior
from tagifai.data import Tag, load_dataset, prepare
from tagifai.data.config import load_config
from tagifai.training.train import label_matrix

ROOT = Path(__file__).parents[2]
TEST_SHARE = 0.3
SPLITS = 10
FOUND = 0.5
# The F1 of the two counts as alike up to this, in favour of words.
ALIKE = 0.01


@dataclass(frozen=True)
class Learned:
    """Texts, what is true of them, and what is known of their tags."""

    texts: tuple[str, ...]
    y_true: Booleans
    names: tuple[str, ...]
    tags: dict[str, Tag]


def measure(settings: Settings) -> list[Row]:
    """Compare the two classifiers on random splits of Made With ML; no row without that data."""
    if settings.data is None:
        return []
    data = read(settings.data)
    runs = settings.runs(SPLITS)
    found = spread(partial(compare_classifiers, data), runs, settings.jobs)
    f1, passed = (float(np.mean([one[place] for one in found])) for place in (0, 1))
    worse = float(np.mean([verdict == "worse" for _, _, verdict in found]))
    told = f"{100 * passed:+.1f} points of tests, {f1:+.3f} weighted F1".replace("-", "−")
    claim = "characters against words on Made With ML, tests without names"
    return [
        Row(
            f"{claim}: fewer pass although F1 is no lower",
            f"{told}, mean of {runs} splits",
            f"F1 ≥ −{ALIKE}, tests < 0",
            f1 >= -ALIKE and passed < 0,
        ),
        at_least(f"{claim}: called worse", worse, FOUND, runs),
    ]


def read(folder: Path) -> Learned:
    """Read the projects of a folder, with the tags that the embedded settings leave out."""
    dataset = replace(load_dataset(folder), config=load_config(ROOT / "data"))
    prepared = prepare(dataset, 30)
    names = tuple(prepared.tags)
    return Learned(
        tuple(project.text for project in prepared.projects),
        label_matrix(prepared).astype(bool),
        names,
        {name: dataset.tags.get(name, Tag(name)) for name in names},
    )


def compare_classifiers(data: Learned, seed: int) -> tuple[float, float, str]:
    """Return characters less words: weighted F1, share of tests passed, and the tests' verdict."""
    order = np.random.default_rng([61, seed]).permutation(len(data.texts))
    test, train = np.split(order, [round(TEST_SHARE * len(order))])
    cases = generate_rewordings(_labelled(data, train), _labelled(data, test), data.tags)
    f1, results = [], []
    for vectorizer in (
        TfidfVectorizer(sublinear_tf=True, min_df=2),
        TfidfVectorizer(
            sublinear_tf=True,
            min_df=2,
            analyzer="char",
            ngram_range=(2, 5),
            lowercase=False,
            max_features=60_000,
        ),
    ):
        linear = LogisticRegression(C=10, class_weight="balanced")
        model = make_pipeline(vectorizer, OneVsRestClassifier(linear))
        model.fit([data.texts[row] for row in train], data.y_true[train])
        predicted = model.predict([data.texts[row] for row in test])
        f1.append(f1_score(data.y_true[test], predicted, average="weighted", zero_division=0))
        predict = partial(_predict_tags, model, data.names)
        results.append(run_behavioral(cases, predict, data.names, data.tags).to_dict())
    row = compare_behavior(results[0], results[1])[WITHOUT_NAMES]
    return float(f1[1] - f1[0]), float(row.diff or 0.0), row.verdict


def _labelled(data: Learned, rows: Sequence[int]) -> list[LabelledText]:
    return [
        LabelledText(
            data.texts[row],
            frozenset(tag for tag, true in zip(data.names, data.y_true[row], strict=True) if true),
        )
        for row in rows
    ]


def _predict_tags(model: Pipeline, names: Sequence[str], texts: Sequence[str]) -> list[list[str]]:
    return [
        [name for name, true in zip(names, row, strict=True) if true]
        for row in model.predict(list(texts))
    ]
