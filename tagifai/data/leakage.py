"""Count the test projects whose text, or nearly the same, is in training too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# From this share of the test projects on, figures are flattered enough for a warning.
MUCH = 0.05
# Pairs of a test text and another one that take seconds; of test texts at least so many count.
_MOST_PAIRS, _FEWEST = 400_000_000, 1_000


@dataclass(frozen=True, slots=True)
class Leakage:
    """Test projects with a near-duplicate among the others.

    Attributes
    ----------
    num_test : int
        Projects of the test split that were looked at.
    num_near_duplicates : int
        Those with a text of cosine `cosine` or more (word TF-IDF) in train or val.
    cosine : float
    sampled_from : int
        Of how many test projects those are a sample; 0 where all were looked at.
    """

    num_test: int
    num_near_duplicates: int
    cosine: float
    sampled_from: int = 0

    @property
    def share(self) -> float:
        """The share of test projects with a near-duplicate, 0 where there is no test project."""
        return self.num_near_duplicates / self.num_test if self.num_test else 0.0

    def describe(self) -> str:
        """Return in a sentence how many test projects leak.

        >>> Leakage(407, 11, 0.7).describe()
        '11 of 407 test projects (2.7 %) have a near-duplicate in train or val'
        """
        verb = "has" if self.num_near_duplicates == 1 else "have"
        sample = f", a sample of {self.sampled_from:,}" if self.sampled_from else ""
        return (
            f"{self.num_near_duplicates:,} of {self.num_test:,} test projects "
            f"({100 * self.share:.1f} %{sample}) {verb} a near-duplicate in train or val"
        )


def read_leakage(found: object) -> Leakage | None:
    """Read what `version.json` holds, whoever wrote it; None where it is something else.

    >>> read_leakage({"num_test": 5, "num_near_duplicates": 1, "cosine": 0.7})
    Leakage(num_test=5, num_near_duplicates=1, cosine=0.7, sampled_from=0)
    """
    if not isinstance(found, Mapping):
        return None
    test, near, cosine = (found.get(name) for name in ("num_test", "num_near_duplicates", "cosine"))
    if not (type(test) is int and type(near) is int and isinstance(cosine, int | float)):
        return None
    every = found.get("sampled_from", 0)
    sampled_from = every if type(every) is int and every > test else 0
    return Leakage(test, near, float(cosine), sampled_from) if 0 <= near <= test else None


def measure_leakage(texts: Sequence[str], split: Sequence[str]) -> Leakage | None:
    """Count the test texts that nearly repeat one of train or val; None where a side is missing.

    Of very many, a sample of the test texts is looked at.

    >>> texts = ["cats on mats", "cats on mats", "dogs in fog"]
    >>> measure_leakage(texts, ["train", "test", "test"])
    Leakage(num_test=2, num_near_duplicates=1, cosine=0.7, sampled_from=0)
    """
    # Here: reading what was measured need not wait for scikit-learn.
    from tagifai.data.rules import SIMILAR, word_vectors
    from tagifai.text.neighbours import similar_among

    test = [row for row, name in enumerate(split) if name == "test"]
    others = [row for row, name in enumerate(split) if name != "test"]
    if not test or not others:
        return None
    vectors = word_vectors(texts)
    if vectors is None:
        return Leakage(len(test), 0, SIMILAR)
    looked_at = _sample(test, _MOST_PAIRS // len(others))
    near = similar_among(vectors[looked_at], vectors[others], SIMILAR)
    sampled_from = len(test) if len(looked_at) < len(test) else 0
    return Leakage(len(looked_at), int(near.sum()), SIMILAR, sampled_from)


def _sample(rows: list[int], most: int) -> list[int]:
    """Return so many of the rows, drawn at random, but no fewer than a thousand."""
    most = max(most, _FEWEST)
    if len(rows) <= most:
        return rows
    import numpy as np

    chosen: list[int] = np.sort(np.random.default_rng(0).choice(rows, most, replace=False)).tolist()
    return chosen
