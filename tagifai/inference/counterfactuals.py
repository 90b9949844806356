"""Find what would change a prediction: words dropped or replaced."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np

from tagifai.arrays import Floats
from tagifai.errors import one_of
from tagifai.inference import TextPrediction
from tagifai.inference.explanation import explain
from tagifai.models.classifier import TagClassifier
from tagifai.predictions import decide
from tagifai.text.alignment import PlacedWord

MOST_CHANGES = 3
_SINGLE = 200
_PAIRED = 8
_TRIPLED = 6
_GREEDY = 12
_SWAPPED_PLACES = 6
_SWAPPED_IN = 12
Edit = tuple[PlacedWord, str]
NumberedEdit: TypeAlias = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a text that flips a tag.

    Attributes
    ----------
    text
        The changed text.
    replaced
        (word as typed, its replacement) pairs; "" where the word was dropped.
    before, after
        The tag's probability in the text as typed, and in the changed one.
    """

    text: str
    replaced: tuple[tuple[str, str], ...]
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class ChangeSearch:
    """The smallest changes that were found, and what it took.

    Attributes
    ----------
    changes
        Up to three, those of the fewest words first.
    num_texts
        About how many changed texts the predictor was asked.
    budget
        The most that it could be asked about; None where there was no limit.
    """

    changes: list[Change]
    num_texts: int
    budget: int | None = None


def edit_words(text: str, edits: Sequence[Edit]) -> str:
    """Replace words of a text; "" drops a word, with the space that it leaves.

    Of several words that were one character as typed, only the last is edited.

    >>> edit_words("The red cat", [(PlacedWord("red", 4, 7), "")])
    'The cat'
    >>> edit_words("The red cat", [(PlacedWord("red", 4, 7), "blue")])
    'The blue cat'
    """
    edited = len(text)
    for word, instead in sorted(edits, key=lambda edit: -edit[0].start):
        if word.stop > edited:
            continue
        edited = word.start
        before, after = text[: word.start], text[word.stop :]
        if not instead:
            if after[:1].isspace() and (not before or before[-1:].isspace()):
                after = after[1:]
            elif not after:
                before = before.rstrip()
        text = before + instead + after
    return text


def edit_word(words: Sequence[PlacedWord], text: str, number: int, instead: str = "") -> str:
    """Drop or replace word `number` (from 0) of a text; out of range, the text stays."""
    if not 0 <= number < len(words):
        return text
    return edit_words(text, [(words[number], instead)])


def smallest_changes(
    model: TagClassifier,
    tags: Sequence[str],
    thresholds: Mapping[str, float],
    text: str,
    tag: str,
    most: int = MOST_CHANGES,
) -> list[Change]:
    """Find up to `most` changes of few words by which `tag` is no longer predicted, or is.

    Words are dropped, or replaced by words that occurred in training: first one word, then two
    and three of those that weigh most, then as many as needed, in the order of their weight. Each
    change is verified by predicting. Changes of fewer words come first, then clearer ones, and
    those that share no word with another; no change contains a smaller one.

    Parameters
    ----------
    model
        A fitted model.
    tags, thresholds
        The names of its tags in its order, and a threshold in [0, 1] for each.
    text
        A text as typed.
    tag
        The tag to flip.
    most
        The most changes to return.

    Raises
    ------
    TagifaiError
        An unknown tag.
    """
    if tag not in tags:
        raise one_of("tag", tag, tags)
    column = list(tags).index(tag)
    explanation = explain(model, text)
    if not explanation.words:
        return []
    before = float(model.predict_proba([text])[0, column])
    falls = bool(decide(before, thresholds[tag]))
    return search_changes(
        lambda texts: np.asarray(model.predict_proba(texts)[:, column]),
        text,
        explanation.words,
        explanation.contributions[:, column],
        _swap_words(model, column, rising=not falls),
        before=before,
        threshold=thresholds[tag],
        most=most,
    ).changes


def search_changes(
    predict: Callable[[list[str]], Floats],
    text: str,
    words: Sequence[PlacedWord],
    contributions: Floats,
    swaps: Sequence[str],
    *,
    before: float,
    threshold: float,
    most: int = MOST_CHANGES,
    budget: int | None = None,
) -> ChangeSearch:
    """Find what `smallest_changes` does for any predictor, by calls alone.

    Parameters
    ----------
    predict
        From texts to the tag's probabilities, (n_texts,).
    text, words
        A text as typed, and its words.
    contributions : array (n_words,)
        What each word is thought to add: those that weigh most are tried first.
    swaps
        Words to put in place of others.
    before, threshold
        The tag's probability now, and the one from which it is predicted.
    most
        The most changes to return.
    budget
        The most texts that may be asked about; any number by default.
    """
    falls = bool(decide(before, threshold))
    sign = 1.0 if falls else -1.0
    # First the words that keep the tag as it is.
    weight = sign * contributions
    order = [int(i) for i in np.argsort(-weight, kind="stable")]
    found, asked = _Found(most), 0
    for stage in _stages(order, weight, [word.token for word in words], swaps):
        tried = stage if budget is None else stage[: budget - asked]
        asked += len(tried)
        texts = [edit_words(text, [(words[i], new) for i, new in edits]) for edits in tried]
        after = predict(texts) if texts else np.zeros(0)
        flipped = np.flatnonzero(decide(after, threshold) != falls).tolist()
        flipped.sort(key=lambda k: (len(tried[k]), sign * float(after[k])))
        for k in flipped:
            replaced = tuple(
                (text[words[i].start : words[i].stop], new) for i, new in sorted(tried[k])
            )
            found.add(frozenset(tried[k]), Change(texts[k], replaced, before, float(after[k])))
        if found.enough or (budget is not None and asked >= budget):
            break
    return ChangeSearch(found.smallest(), asked, budget)


class _Found:
    """The changes found so far: those that share no word with another, and the others."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.apart: list[tuple[frozenset[NumberedEdit], Change]] = []
        self.others: list[tuple[frozenset[NumberedEdit], Change]] = []

    @property
    def enough(self) -> bool:
        """Whether changes of more words need not be tried."""
        return bool(self.apart) and len(self.apart) + len(self.others) >= self.most

    def add(self, edits: frozenset[NumberedEdit], change: Change) -> None:
        """Add a change, unless there are enough, or a smaller one flips the tag already."""
        if len(self.apart) >= self.most or any(known <= edits for known, _ in self.apart):
            return
        used = {part for known, _ in self.apart for edit in known for part in edit if part != ""}
        shared = used & {part for edit in edits for part in edit if part != ""}
        (self.others if shared else self.apart).append((edits, change))

    def smallest(self) -> list[Change]:
        """Return up to `most` changes, those of the fewest words first."""
        chosen = list(self.apart)
        for edits, change in self.others:
            if len(chosen) < self.most and not any(known <= edits for known, _ in chosen):
                chosen.append((edits, change))
        return [change for _, change in sorted(chosen, key=lambda pair: len(pair[0]))]


@dataclass(frozen=True, slots=True)
class TagDiff:
    """A tag in two predictions, A and B.

    Attributes
    ----------
    tag
        The tag.
    a, b
        Its probabilities; None where a version does not know the tag.
    diff
        B − A, or None where one of them is.
    flip
        "gained" where only B predicts the tag, "lost" where only A does, else None.
    """

    tag: str
    a: float | None
    b: float | None
    diff: float | None
    flip: Literal["gained", "lost"] | None


def diff_predictions(a: TextPrediction, b: TextPrediction) -> list[TagDiff]:
    """Compare two predictions tag by tag, B − A; flips first, then the largest differences."""
    rows = []
    for tag in dict.fromkeys([*a.probabilities, *b.probabilities]):
        first, second = a.probabilities.get(tag), b.probabilities.get(tag)
        had, has = tag in a.tags, tag in b.tags
        diff = None if first is None or second is None else second - first
        rows.append(
            TagDiff(tag, first, second, diff, None if had == has else "gained" if has else "lost")
        )
    return sorted(rows, key=lambda row: (row.flip is None, -abs(row.diff or 0), row.tag))


def _stages(
    order: Sequence[int], weight: Floats, tokens: Sequence[str], swaps: Sequence[str]
) -> Iterator[Sequence[tuple[NumberedEdit, ...]]]:
    """Yield lists of edits (word's number, new word) to try, those of the fewest words first."""
    places = order[:_SWAPPED_PLACES]
    dropped = [((i, ""),) for i in order[:_SINGLE]]
    swapped = [
        ((i, new),) for i in places for new in swaps if new != tokens[i] and new not in tokens
    ]
    yield dropped
    yield swapped
    holding = [i for i in order if weight[i] > 0]
    yield [tuple((i, "") for i in pair) for pair in combinations(holding[:_PAIRED], 2)]
    yield [tuple((i, "") for i in three) for three in combinations(holding[:_TRIPLED], 3)]
    same = {token: [i for i in holding if tokens[i] == token] for token in dict.fromkeys(tokens)}
    greedy = [tuple((i, "") for i in holding[:n]) for n in range(4, min(len(holding), _GREEDY) + 1)]
    yield [tuple((i, "") for i in group) for group in same.values() if len(group) > 1] + greedy
    fresh = [new for new in swaps if new not in tokens]
    yield [
        tuple(zip(order[:n], fresh[:n], strict=False))
        for n in range(2, min(len(order), len(fresh), _PAIRED) + 1)
    ]


def _swap_words(model: TagClassifier, column: int, *, rising: bool) -> list[str]:
    """List the words of the vocabulary that raise a tag most, or lower it most."""
    parts = dict(model.features_.named_steps["features"].transformer_list)
    if "words" not in parts:
        return []
    vocabulary = parts["words"].vocabulary_
    single = [(term, place) for term, place in vocabulary.items() if " " not in term]
    rows = np.array([place for _, place in single], dtype=np.intp)
    effect = model.tag_weights(column, model.feature_spans()["words"].start + rows)
    effect *= parts["words"].idf_[rows]
    order = np.argsort(-effect if rising else effect, kind="stable")[:_SWAPPED_IN]
    return [single[int(k)][0] for k in order]
