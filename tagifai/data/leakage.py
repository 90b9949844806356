"""Count the test projects whose text, or nearly the same, stands in training too."""

from collections.abc import Sequence
from dataclasses import dataclass

from tagifai.data.rules import SIMILAR, word_vectors
from tagifai.inference.neighbours import similar_among


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
    cosine: float = SIMILAR

    @property
    def share(self) -> float:
        """The share of test projects with a near-duplicate, 0 where there is no test project."""
        return self.num_near_duplicates / self.num_test if self.num_test else 0.0


def measure_leakage(texts: Sequence[str], split: Sequence[str]) -> Leakage:
    """Count the test texts that nearly repeat one of train or val.

    >>> texts = ["cats on mats", "cats on mats", "dogs in fog"]
    >>> measure_leakage(texts, ["train", "test", "test"])
    Leakage(num_test=2, num_near_duplicates=1, cosine=0.7)
    """
    test = [row for row, name in enumerate(split) if name == "test"]
    others = [row for row, name in enumerate(split) if name != "test"]
    vectors = word_vectors(texts)
    if vectors is None or not test or not others:
        return Leakage(len(test), 0)
    return Leakage(len(test), int(similar_among(vectors[test], vectors[others], SIMILAR).sum()))
