"""Reasons: how soon a prediction falls when words are deleted by them, beside shap's explainers."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from benchmarks.bench import Bench
from benchmarks.paired import summarize
from benchmarks.processes import ROOT
from benchmarks.results import Findings
from tagifai.data import load_dataset, prepare
from tagifai.inference.attribution import (
    BUDGET,
    LEAST_PROBABILITY,
    TextPart,
    estimate_shapley,
    keep_parts,
    split_parts,
)
from tagifai.inference.linear_pipelines import explain_linear, recognize
from tagifai.training.train import label_matrix

OURS = "tagifai"
PERMUTATION, PARTITION = "shap's PermutationExplainer", "shap's PartitionExplainer"
LINEAR, MLP, EITHER = "a linear pipeline", "an MLP", "a model where two words say the same"
TEXTS, QUICK_TEXTS, HELD_OUT = 50, 10, 300
MIN_TAG_FREQ, MIN_WORDS, LONG_WORD = 30, 4, 4
LEAST_SPEARMAN = 0.9

Predict = Callable[[Sequence[str]], np.ndarray]


@dataclass
class Asked:
    """A model's log-odds of one tag of one text with some of its parts; counts the calls."""

    predict: Predict
    text: str
    tag: int
    parts: tuple[TextPart, ...]
    num_texts: int = field(default=0)

    def prob(self, masks: np.ndarray) -> np.ndarray:
        """Return the probability of the tag for each mask of parts."""
        kept = np.asarray(masks, dtype=float) > 0.5
        self.num_texts += len(kept)
        texts = [keep_parts(self.text, self.parts, mask) for mask in kept]
        return np.asarray(self.predict(texts)[:, self.tag])

    def log_odds(self, masks: np.ndarray) -> np.ndarray:
        """Return the log-odds of the tag for each mask of parts."""
        prob = np.clip(self.prob(masks), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        return np.asarray(np.log(prob) - np.log1p(-prob))


def measure(bench: Bench) -> Findings:
    """Compare areas under the deletion curve, and contributions with exact ones."""
    found = Findings()
    dataset = load_dataset(ROOT / "data")
    prepared = prepare(dataset, MIN_TAG_FREQ)
    texts, y_true = [project.text for project in prepared.projects], label_matrix(prepared)
    order = np.random.default_rng(0).permutation(len(texts))
    count = QUICK_TEXTS if bench.quick else TEXTS
    held_out = [texts[i] for i in order[:HELD_OUT]]
    chosen = [text for text in held_out if len(split_parts(text)) >= MIN_WORDS][:count]
    trained = order[HELD_OUT:]
    linear, mlp = linear_pipeline(), mlp_pipeline()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is good enough to be explained
        for model in (linear, mlp):
            model.fit([texts[i] for i in trained], y_true[trained])
    compare(found, LINEAR, chosen, lambda _: linear.predict_proba)
    compare(found, MLP, chosen, lambda _: mlp.predict_proba)
    compare(found, EITHER, chosen, lambda text: either_word(linear.predict_proba, text))
    spearman = agreement(linear, chosen)
    work = f"reasons of {LINEAR}"
    found.add(work, count, f"{OURS}, Spearman with the exact ones", summarize(spearman), "")
    missed = 1 - float(np.mean(spearman))
    found.claim(
        work, count, "1 − Spearman with exact contributions", missed, 1 - LEAST_SPEARMAN, ""
    )
    return found


def linear_pipeline() -> Any:
    """Return a pipeline whose contributions are known exactly."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline

    classifier = OneVsRestClassifier(LogisticRegression(C=10))
    return make_pipeline(TfidfVectorizer(sublinear_tf=True), classifier)


def mlp_pipeline() -> Any:
    """Return a pipeline in which words act together."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        TfidfVectorizer(sublinear_tf=True),
        TruncatedSVD(64, random_state=0),
        MLPClassifier((64,), max_iter=60, random_state=0),
    )


def either_word(predict: Predict, text: str) -> Predict:
    """Return a model for which either of two words of a text is enough.

    The words are the first two different ones of some length; the rest of the text counts half.
    """
    words = [part.text for part in split_parts(text) if len(part.text) >= LONG_WORD]
    pair = list(dict.fromkeys(words))[:2]

    def decide(texts: Sequence[str]) -> np.ndarray:
        prob = np.clip(predict(texts), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        said = np.array([any(word in one for word in pair) for one in texts])
        log_odds = 0.5 * (np.log(prob) - np.log1p(-prob)) + 4.0 * said[:, None] - 2.0
        return np.asarray(1 / (1 + np.exp(-log_odds)))

    return decide


def compare(
    found: Findings, model: str, texts: Sequence[str], model_of: Callable[[str], Predict]
) -> None:
    """Measure the areas of each way to explain a model; lower is better."""
    areas: dict[str, list[float]] = {OURS: [], PERMUTATION: [], PARTITION: []}
    calls: dict[str, list[int]] = {who: [] for who in areas}
    for text in texts:
        predict = model_of(text)
        tag, parts = int(predict([text])[0].argmax()), split_parts(text)
        for who, explain in WAYS.items():
            asked = Asked(predict, text, tag, parts)
            contributions, num_texts = explain(asked)
            calls[who].append(num_texts)
            areas[who].append(deletion_area(asked, contributions))
    work = f"reasons of {model}"
    for who, values in areas.items():
        found.add(work, len(texts), who, summarize(values), "area")
    for who in (PERMUTATION, PARTITION):
        difference = np.array(areas[OURS]) - np.array(areas[who])
        mean = float(difference.mean())
        noise = 2 * float(difference.std(ddof=1)) / len(difference) ** 0.5
        ends = (mean - noise, mean + noise)
        found.claim(work, len(texts), f"mean area − that of {who}", mean, noise, "", ends)
    found.notes.append(
        f"{work}: mean area "
        + ", ".join(
            f"{np.mean(areas[who]):.4f} ({who}, {np.mean(calls[who]):.0f} calls a text)"
            for who in areas
        )
    )


def deletion_area(asked: Asked, contributions: np.ndarray) -> float:
    """Return the area under the probability while words go, those that add most first."""
    n = len(asked.parts)
    masks = np.ones((n + 1, n))
    for gone, place in enumerate(np.argsort(-contributions, kind="stable"), start=1):
        masks[gone:, place] = 0
    return float(np.trapezoid(asked.prob(masks), dx=1 / n))


def ours(asked: Asked) -> tuple[np.ndarray, int]:
    """Explain by pairs of opposite orders."""
    found = estimate_shapley(asked.predict, asked.text, BUDGET)
    return found.contributions[:, asked.tag], found.num_texts


def by_permutations(asked: Asked) -> tuple[np.ndarray, int]:
    """Explain by shap's permutations, against the text without any word."""
    import shap

    n = len(asked.parts)
    explainer = shap.explainers.Permutation(asked.log_odds, np.zeros((1, n)), seed=0)
    explanation = explainer(np.ones((1, n)), max_evals=max(BUDGET, 2 * n + 1), silent=True)
    return np.asarray(explanation.values[0]), asked.num_texts


def by_partitions(asked: Asked) -> tuple[np.ndarray, int]:
    """Explain by shap's partitions, in the tree that shap makes of a text's words."""
    import shap
    from shap.maskers._text import partition_tree

    n = len(asked.parts)

    class Words(shap.maskers.Masker):  # type: ignore[misc]
        def __init__(self) -> None:
            self.shape = (1, n)
            self.clustering = partition_tree([f"{part.text} " for part in asked.parts], [])
            self.supports_delta_masking = False

        def __call__(self, mask: Any, row: Any) -> tuple[np.ndarray]:
            return (np.asarray(mask, dtype=float).reshape(1, -1),)

    explainer = shap.explainers.Partition(asked.log_odds, Words())
    explanation = explainer(np.ones((1, n)), max_evals=BUDGET, silent=True)
    return np.asarray(explanation.values[0]), asked.num_texts


WAYS = {OURS: ours, PERMUTATION: by_permutations, PARTITION: by_partitions}


def agreement(pipeline: Any, texts: Sequence[str]) -> list[float]:
    """Return, for each text, Spearman's correlation of sampled and exact contributions."""
    from scipy.stats import spearmanr

    recognized = recognize(pipeline)
    if recognized is None:
        raise ValueError("the pipeline is linear, and was not recognized")
    found = []
    for text in texts:
        tag = int(pipeline.predict_proba([text])[0].argmax())
        exact = explain_linear(recognized, pipeline.predict_proba, text)
        if exact is None:
            raise ValueError(f"not explained exactly: {text!r}")
        sampled = estimate_shapley(pipeline.predict_proba, text, BUDGET)
        pair = exact.contributions[:, tag], sampled.contributions[:, tag]
        found.append(float(spearmanr(*pair).statistic))
    return found
