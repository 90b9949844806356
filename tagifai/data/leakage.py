"""Count the test projects whose text, or nearly the same, is in training too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# From this share of the test projects on, figures are flattered enough for a warning.
MUCH = 0.05


@dataclass(frozen=True, slots=True)
class Leakage:
    """Test projects with a near-duplicate among the others.

    Attributes
    ----------
    num_test : int
        Projects of the test split.
    num_near_duplicates : int
        Those with a text of cosine `cosine` or more (word TF-IDF) in train or val.
    cosine : float
    """

    num_test: int
    num_near_duplicates: int
    cosine: float

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
        return (
            f"{self.num_near_duplicates:,} of {self.num_test:,} test projects "
            f"({100 * self.share:.1f} %) {verb} a near-duplicate in train or val"
        )


def read_leakage(found: object) -> Leakage | None:
    """Read what `version.json` holds, whoever wrote it; None where it is something else.

    >>> read_leakage({"num_test": 5, "num_near_duplicates": 1, "cosine": 0.7})
    Leakage(num_test=5, num_near_duplicates=1, cosine=0.7)
    """
    if not isinstance(found, Mapping):
        return None
    test, near, cosine = (found.get(name) for name in ("num_test", "num_near_duplicates", "cosine"))
    if not (type(test) is int and type(near) is int and isinstance(cosine, int | float)):
        return None
    return Leakage(test, near, float(cosine)) if 0 <= near <= test else None


def measure_leakage(texts: Sequence[str], split: Sequence[str]) -> Leakage | None:
    """Count the test texts that nearly repeat one of train or val; None where a side is missing.

    >>> texts = ["cats on mats", "cats on mats", "dogs in fog"]
    >>> measure_leakage(texts, ["train", "test", "test"])
    Leakage(num_test=2, num_near_duplicates=1, cosine=0.7)
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
    near = similar_among(vectors[test], vectors[others], SIMILAR)
    return Leakage(len(test), int(near.sum()), SIMILAR)
