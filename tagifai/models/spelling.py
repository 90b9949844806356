"""Read a tag's name where it is misspelt or abbreviated, word by word."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Self

from sklearn.base import BaseEstimator, TransformerMixin

MIN_LENGTH = 5
LONG = 12


class TextTransformer(TransformerMixin, BaseEstimator):
    """A transformer whose input is texts, which it tells scikit-learn as vectorizers do."""

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]  # scikit-learn's own type
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class NameSpelling(TextTransformer):
    """Replace misspelt words of tags' names, and abbreviations of them.

    A word stays when it occurs in `min_df` or more of the texts seen by `fit`, or is shorter than
    five letters. One slip (a letter dropped, added, replaced or swapped with its neighbour;
    Damerau 1964) is corrected, two in words of twelve letters and more, when one name is nearer
    than all others and begins alike: people rarely miss the first letter (Yannakoudakis and
    Fawthrop 1983), while "cognition" is no misspelt "recognition". A name of several words that
    is written as one word is spaced.

    Parameters
    ----------
    phrases
        For each flag, the phrases whose words are corrected.
    min_df
        The fewest texts that a word occurs in to be known.
    abbreviations
        (word, name) pairs; the name replaces the word, whether it is known or not.

    Examples
    --------
    >>> names = (("transformers",), ("computer vision",))
    >>> spelling = NameSpelling(names, abbreviations=(("cv", "computer vision"),)).fit(["a text"])
    >>> spelling.transform(["transfromers for computervision", "form", "cv"])
    ['transformers for computer vision', 'form', 'computer vision']
    """

    def __init__(
        self,
        phrases: Sequence[Sequence[str]] = (),
        min_df: int = 2,
        abbreviations: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.phrases = phrases
        self.min_df = min_df
        self.abbreviations = abbreviations

    def fit(self, texts: Sequence[str], y: object = None) -> Self:
        """Learn which words are known, and so never corrected."""
        counts = Counter(word for text in texts for word in set(text.split()))
        self.known_ = {word for word, count in counts.items() if count >= self.min_df}
        self._index()
        return self

    def with_known(self, known: Collection[str]) -> Self:
        """Return this spelling with other known words; what was corrected once is shared."""
        other = type(self)(self.phrases, self.min_df, self.abbreviations)
        other.__dict__.update(self.__dict__, known_=set(known))
        return other

    def transform(self, texts: Sequence[str]) -> list[str]:
        """Correct each text; words keep their order, though one may become several."""
        return [" ".join(self.correct(word) for word in text.split()) for text in texts]

    def correct(self, word: str) -> str:
        """Return the name that a word abbreviates, the one it misspells, or the word itself."""
        spelt = self._spell(word)
        return self.expansions_.get(spelt, spelt)

    def _spell(self, word: str) -> str:
        if word in self.known_:
            return word
        if len(word) < MIN_LENGTH or word in self.targets_:
            return self.targets_.get(word, word)
        # A word may be as long as a text, and then trying all slips would take minutes.
        if len(word) > self.longest_ + _allowed(word):
            return word
        if word not in self.corrections_:
            if len(self.corrections_) > 100_000:
                self.corrections_.clear()
            self.corrections_[word] = self._nearest(word)
        return self.corrections_[word]

    def _index(self) -> None:
        phrases = dict.fromkeys(phrase for column in self.phrases for phrase in column)
        self.targets_: dict[str, str] = {}
        for phrase in phrases:
            words = phrase.split()
            for word in words:
                self.targets_[word] = word
            if len(words) > 1:
                self.targets_.setdefault("".join(words), phrase)
        self.nearby_: dict[str, list[str]] = {}
        for target in self.targets_:
            if len(target) >= MIN_LENGTH:
                for shorter in _shortened(target, _allowed(target)):
                    self.nearby_.setdefault(shorter, []).append(target)
        self.longest_ = max(map(len, self.targets_), default=0)
        self.expansions_ = dict(self.abbreviations)
        self.corrections_: dict[str, str] = {}

    def _nearest(self, word: str) -> str:
        candidates = {
            target
            for shorter in _shortened(word, _allowed(word))
            for target in self.nearby_.get(shorter, ())
        }
        ranked = sorted((distance(word, target), target) for target in candidates)
        ranked = [
            (slips, target)
            for slips, target in ranked
            if slips <= min(_allowed(word), _allowed(target)) and _begin_alike(word, target)
        ]
        if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
            return word
        return self.targets_[ranked[0][1]]

    def __getstate__(self) -> dict[str, object]:
        state: dict[str, object] = dict(super().__getstate__())
        for derived in ("targets_", "nearby_", "longest_", "corrections_", "expansions_"):
            state.pop(derived, None)
        if "known_" in state:
            state["known_"] = " ".join(sorted(self.known_))
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        # Models made before there were abbreviations have none.
        state.setdefault("abbreviations", ())
        super().__setstate__(state)
        known = state.get("known_")
        if isinstance(known, str):
            self.known_ = set(known.split())
            self._index()


def find_abbreviations(own: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """List the aliases that abbreviate their tag's name, each with that name.

    An abbreviation is one word that begins as the name does, and whose letters occur in the name
    in this order (Schwartz and Hearst 2003). It is not a word of any tag's name, and abbreviates
    one tag only: "vision" stays beside "computer vision", and so does a word that could be either
    of two.

    Parameters
    ----------
    own
        Each tag's phrases, its name first.

    Examples
    --------
    >>> find_abbreviations([("computer vision", "cv", "vision", "image"), ("transformers",)])
    (('cv', 'computer vision'),)
    """
    claimed = Counter(phrase for phrases in own for phrase in dict.fromkeys(phrases))
    spoken = {word for phrases in own if phrases for word in phrases[0].split()}
    return tuple(
        (alias, name)
        for name, *aliases in filter(None, own)
        for alias in dict.fromkeys(aliases)
        if claimed[alias] == 1 and alias not in spoken and _abbreviates(alias, name)
    )


def _abbreviates(alias: str, name: str) -> bool:
    letters = iter(name)
    return (
        len(alias) > 1
        and " " not in alias
        and alias[0] == name[0]
        and all(letter in letters for letter in alias)
    )


def distance(a: str, b: str) -> int:
    """Count the slips between two words (optimal string alignment).

    >>> distance("transfromers", "transformers"), distance("atention", "attention")
    (1, 1)
    """
    before: list[int] = []
    previous = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        current = [i]
        for j, right in enumerate(b, start=1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        before, previous = previous, current
    return previous[-1]


def _allowed(word: str) -> int:
    return 0 if len(word) < MIN_LENGTH else 1 if len(word) < LONG else 2


def _begin_alike(a: str, b: str) -> bool:
    return a[0] == b[0] or (a[0] == b[1] and a[1] == b[0])


def _shortened(word: str, slips: int) -> Iterator[str]:
    """Yield a word without up to `slips` of its letters; misspellings have one of these too."""
    found = {word}
    edge = {word}
    for _ in range(slips):
        edge = {w[:i] + w[i + 1 :] for w in edge for i in range(len(w))}
        found |= edge
    yield from found
