"""Projects, tags and two versions' decisions, drawn from a population whose figures are known.

Tags depend on each other: topics of a project make some tags likelier together, and what makes a
project hard (a text that says little) is shared by its tags and by both versions. What a version
adds of its own, for all tags of a project and for each, falls to A or B by chance. Everything is
a threshold on sums of independent normal variables, so that base rates, recalls and rates of
false positives are exactly those asked for, and the population's figures follow in closed form.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tagifai.arrays import Floats
from tagifai.comparison.counts import Counts
from tagifai.predictions import Predictions
from tagifai.store.versions import FolderSource, Version

TOPICS = 4
# The share of what decides a pair that is ...
HARD = 0.3  # ... the project's, for all tags and both versions,
OWN = 0.1  # ... the project's, for all tags of one version,
COMMON = 0.35  # ... the pair's, for both versions; the rest is the pair's, for one version.


@dataclass(frozen=True, eq=False)
class Population:
    """What two versions do with projects of some kind.

    Attributes
    ----------
    rate : ndarray of shape (t,)
        Share of projects that carry each tag.
    recall, false_rate : ndarray of shape (2, t)
        Of A and B: the share of a tag's projects that it is predicted for, and of the others.
    seed : int
        Of the tags' topics.
    """

    rate: Floats
    recall: Floats
    false_rate: Floats
    seed: int = 0

    @cached_property
    def topics(self) -> Floats:
        """Return how far each tag hangs on each topic: (t, topics), squares summing to under 1."""
        drawn = np.random.default_rng(self.seed).normal(0, 0.4, (len(self.rate), TOPICS))
        squares = (drawn**2).sum(axis=1)
        return drawn / np.sqrt(np.maximum(squares / 0.5, 1))[:, None]

    @cached_property
    def figures(self) -> tuple[Counts, Counts]:
        """Return each version's expected counts by tag, which its true figures follow from."""
        return tuple(  # type: ignore[return-value]
            Counts(
                self.rate,
                self.rate * recall + (1 - self.rate) * false_rate,
                self.rate * recall,
            )
            for recall, false_rate in zip(self.recall, self.false_rate, strict=True)
        )

    def draw(
        self, rng: np.random.Generator, n: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Draw n projects: their tags and both versions' decisions, (n, t) each."""
        t = len(self.rate)
        alone = np.sqrt(1 - (self.topics**2).sum(axis=1))
        about = rng.standard_normal((n, TOPICS)) @ self.topics.T
        y_true = about + alone * rng.standard_normal((n, t)) > -ndtri(self.rate)
        # How hard a project's tags are to find says nothing of how often others are guessed.
        hard = np.where(y_true, rng.standard_normal((n, 1)), rng.standard_normal((n, 1)))
        shared = np.sqrt(HARD) * hard + np.sqrt(COMMON) * rng.standard_normal((n, t))
        found = []
        for recall, false_rate in zip(self.recall, self.false_rate, strict=True):
            own = np.sqrt(OWN) * rng.standard_normal((n, 1))
            own = own + np.sqrt(1 - HARD - OWN - COMMON) * rng.standard_normal((n, t))
            found.append(shared + own > -ndtri(np.where(y_true, recall, false_rate)))
        return y_true, found[0], found[1]


def population(
    tags: int,
    n: int,
    fewest: float,
    most: float,
    *,
    changed: float = 0.0,
    seed: int = 0,
) -> Population:
    """Make a population of tags of which `n` projects hold about `fewest` to `most` positives.

    Recalls and precisions vary from tag to tag; those of B differ from A's by about `changed`.
    """
    rng = np.random.default_rng(seed)
    rate = np.geomspace(fewest, most, tags) / n
    recall = np.clip(rng.normal(0.65, 0.15, tags), 0.25, 0.95)
    precision = np.clip(rng.normal(0.72, 0.12, tags), 0.35, 0.97)
    recalls = np.stack([recall, np.clip(recall + rng.normal(0, changed, tags), 0.1, 0.98)])
    precisions = np.stack([precision, np.clip(precision + rng.normal(0, changed, tags), 0.2, 0.98)])
    if not changed:
        recalls[1], precisions[1] = recall, precision
    false_rate = rate * recalls * (1 - precisions) / precisions / (1 - rate)
    return Population(rate, recalls, false_rate, seed)


def as_predictions(y_true: NDArray[np.bool_], y_pred: NDArray[np.bool_]) -> Predictions:
    """Keep decisions as a version's predictions: probabilities of 0 or 1."""
    n, t = y_true.shape
    return Predictions.of(range(n), ["test"] * n, [f"tag-{i}" for i in range(t)], y_true, y_pred)


def version(name: str, behavioral: dict[str, Any] | None = None) -> Version:
    """Make a version of nothing but a name, and of behavioral tests where there are any."""
    performance: dict[str, Any] = {group: {} for group in ("overall", "class")}
    performance |= {"slices": {"class": {}, "overall": {}}, "behavioral": behavioral or {}}
    return Version(name, {}, performance, {}, {}, name, FolderSource("model"))


def behavioral_results(passed: NDArray[np.bool_]) -> dict[str, Any]:
    """Keep which tests passed, (tags, tests a tag), as a version's performance does."""
    results: dict[str, list[dict[str, Any]]] = {"passed": [], "failed": []}
    for (tag, number), outcome in np.ndenumerate(passed):
        test = {"type": "MFT", "texts": [f"tag {tag}, test {number}"], "expected": [[f"tag {tag}"]]}
        results["passed" if outcome else "failed"].append(test)
    return {"score": float(passed.mean()), "num_samples": passed.size, "results": results}
