"""Reasons for any predictor: how much each word of a text adds to a tag's log-odds.

A predictor is only called, never opened. `leave_one_out` asks what is lost with one word, at once
and in one batch; it misses words that say the same, since either is enough. `estimate_shapley`
averages over the orders in which words could come (Shapley 1953; by sampled permutations, Castro
et al. 2009), each with its reverse (antithetic, Mitchell et al. 2022, arXiv 2104.12199).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tagifai.arrays import Array, Booleans, Floats
from tagifai.errors import TagifaiError
from tagifai.text.alignment import place_words

Method = Literal["exact", "shapley", "leave-one-out"]
PredictProba = Callable[[Sequence[str]], Array]

BUDGET = 200
"""The most texts that the predictor is asked about for one explanation."""
MAX_PARTS = 60
"""The most parts of a text; neighbouring words of a longer one are taken together."""
LEAST_PROBABILITY = 1e-7


@dataclass(frozen=True, slots=True)
class TextPart:
    """A word, or neighbouring words of a long text: the characters `text[start:stop]`."""

    text: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """What each part of a text adds to every tag's log-odds.

    Attributes
    ----------
    parts : tuple of TextPart
        In the order of the text.
    contributions : array (n_parts, n_tags)
        In log-odds.
    noise : array (n_parts, n_tags)
        Standard errors of the contributions, 0 where nothing was drawn; NaN where a single pair
        of orders cannot tell.
    base, log_odds : array (n_tags,)
        The log-odds of the text without any part, and of the whole text.
    method : str
        "exact", "shapley" or "leave-one-out".
    num_texts : int
        The texts that the predictor was asked about.
    """

    parts: tuple[TextPart, ...]
    contributions: Floats
    noise: Floats
    base: Floats
    log_odds: Floats
    method: Method
    num_texts: int

    @property
    def error(self) -> Floats:
        """Return by how much the sum of base and contributions misses the log-odds, (n_tags,)."""
        return self.base + self.contributions.sum(axis=0) - self.log_odds


def leave_one_out(
    predict_proba: PredictProba, text: str, max_parts: int = MAX_PARTS
) -> Attribution:
    """Return what each word's absence takes away, in one batch of n_parts + 2 texts.

    Contributions need not sum to the log-odds; `Attribution.error` says by how much they miss.
    """
    parts = split_parts(text, max_parts)
    ask = _Asked(predict_proba, text, parts)
    whole, none = _whole(len(parts)), ~_whole(len(parts))
    lacking = [_without(whole, place) for place in range(len(parts))]
    ask.ask([whole, none, *lacking])
    log_odds = ask.log_odds(whole)
    contributions = np.array([log_odds - ask.log_odds(mask) for mask in lacking])
    return _attribution(ask, contributions, np.zeros_like(contributions), "leave-one-out")


def estimate_shapley(
    predict_proba: PredictProba,
    text: str,
    budget: int = BUDGET,
    seed: int = 0,
    max_parts: int = MAX_PARTS,
) -> Attribution:
    """Return Shapley values of the words, estimated by pairs of opposite orders.

    Words are added one by one, in a drawn order and in its reverse; each is credited with the
    change of the log-odds. Along an order the changes sum to the whole, so contributions sum to
    the log-odds exactly. Orders whose number is small enough are all taken: then nothing is
    drawn. All texts are asked for in one batch.

    Parameters
    ----------
    predict_proba : callable
        From n texts to probabilities, an array (n, n_tags).
    text : str
    budget : int
        The most texts that may be asked about. Parts are joined until one pair of orders fits.
    seed : int
        Of the orders drawn; the same text and seed give the same answer.

    Raises
    ------
    TagifaiError
        The budget is under 4.
    """
    if budget < 4:
        raise TagifaiError(f"a budget of at least 4 texts is needed, got {budget}")
    # A pair of orders needs at most 2 (n - 1) texts beside the whole and the empty one.
    parts = split_parts(text, min(max_parts, max(1, budget // 2)))
    ask = _Asked(predict_proba, text, parts)
    orders = list(_orders(len(parts), budget, np.random.default_rng(seed)))
    walks = [_masks_along(order) for order in orders]
    ask.ask([mask for walk in walks for mask in walk])
    steps = np.array(
        [
            _changes(order, [ask.log_odds(mask) for mask in walk])
            for order, walk in zip(orders, walks, strict=True)
        ]
    )
    contributions = steps.mean(axis=0)
    return _attribution(ask, contributions, _standard_errors(steps, len(parts)), "shapley")


def split_parts(text: str, max_parts: int = MAX_PARTS) -> tuple[TextPart, ...]:
    """Split a text into its words; neighbours are joined where there are more than `max_parts`.

    Words of scripts without spaces are found by dictionary. Punctuation belongs to no part and
    stays when parts are left out.

    >>> [part.text for part in split_parts("Masks, with a U-Net.")]
    ['Masks', 'with', 'a', 'U', 'Net']
    >>> [part.text for part in split_parts("one two three", 2)]
    ['one two', 'three']
    """
    words = place_words(text, lower=False, stopwords=False, normalize=True)
    spans: list[tuple[int, int]] = []
    for word in words:
        # One character can become several words, which then share their place.
        if spans and word.start < spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], word.stop)
        else:
            spans.append((word.start, word.stop))
    if len(spans) > max_parts:
        groups = np.array_split(np.arange(len(spans)), max_parts)
        spans = [(spans[group[0]][0], spans[group[-1]][1]) for group in groups]
    return tuple(TextPart(text[start:stop], start, stop) for start, stop in spans)


def keep_parts(text: str, parts: Sequence[TextPart], kept: Sequence[bool] | Booleans) -> str:
    """Return the text with only those parts that are kept; spaces that would double are joined.

    >>> parts = split_parts("a b c")
    >>> keep_parts("a b c", parts, [True, False, True])
    'a c'
    """
    pieces, place = [], 0
    for part, keep in zip(parts, kept, strict=True):
        if not keep:
            pieces.append(text[place : part.start])
            place = part.stop
            # The space before the gap is enough.
            if pieces[-1][-1:].isspace() or not "".join(pieces):
                while text[place : place + 1].isspace():
                    place += 1
    return ("".join(pieces) + text[place:]).strip()


class _Asked:
    """The log-odds of a text's subsets of parts, each asked for once."""

    def __init__(self, predict_proba: PredictProba, text: str, parts: tuple[TextPart, ...]) -> None:
        self.parts = parts
        self._predict_proba = predict_proba
        self._text = text
        self._known: dict[bytes, Floats] = {}

    @property
    def num_texts(self) -> int:
        """Return how many texts were asked about."""
        return len(self._known)

    def ask(self, masks: Sequence[Booleans]) -> None:
        """Ask for all subsets that are not known, in one call."""
        new = {mask.tobytes(): mask for mask in masks if mask.tobytes() not in self._known}
        texts = [
            # The whole text as it is, its outer blanks too.
            self._text if mask.all() else keep_parts(self._text, self.parts, mask)
            for mask in new.values()
        ]
        prob = np.asarray(self._predict_proba(texts), dtype=float)
        prob = np.clip(prob, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        log_odds = np.log(prob) - np.log1p(-prob)
        self._known |= dict(zip(new, log_odds, strict=True))

    def log_odds(self, mask: Booleans) -> Floats:
        """Return a subset's log-odds, (n_tags,)."""
        return self._known[mask.tobytes()]


def _attribution(ask: _Asked, contributions: Floats, noise: Floats, method: Method) -> Attribution:
    whole = _whole(len(ask.parts))
    num_tags = len(ask.log_odds(whole))
    return Attribution(
        parts=ask.parts,
        contributions=contributions.reshape(len(ask.parts), num_tags),
        noise=noise.reshape(len(ask.parts), num_tags),
        base=ask.log_odds(~whole),
        log_odds=ask.log_odds(whole),
        method=method,
        num_texts=ask.num_texts,
    )


def _orders(n: int, budget: int, rng: np.random.Generator) -> Iterator[Array]:
    """Yield pairs of opposite orders, as many as the budget allows; all of them where it can."""
    if n < 2:
        yield np.arange(n)
        return
    if n <= 3 and 2**n <= budget:
        from itertools import permutations

        yield from (np.array(order) for order in permutations(range(n)))
        return
    asked = {b"", _whole(n).tobytes()}
    for _ in range(max(1, budget)):
        order = rng.permutation(n)
        pair = (order, order[::-1])
        new = {mask.tobytes() for one in pair for mask in _masks_along(one)} - asked
        if len(asked) + len(new) > budget and len(asked) > 2:
            return
        asked |= new
        yield from pair


def _masks_along(order: Array) -> list[Booleans]:
    """Return the subsets met when parts are added in an order, from none to all."""
    mask = np.zeros(len(order), bool)
    masks = [mask]
    for place in order:
        mask = mask.copy()
        mask[place] = True
        masks.append(mask)
    return masks


def _changes(order: Array, log_odds: list[Floats]) -> Floats:
    """Return each part's change of the log-odds along an order, (n_parts, n_tags)."""
    steps = np.diff(np.array(log_odds), axis=0)
    changes = np.empty_like(steps)
    changes[order] = steps
    return changes


def _standard_errors(steps: Floats, n: int) -> Floats:
    """Return the standard errors of the mean over pairs of orders, (n_parts, n_tags)."""
    if n <= 3:  # all orders were taken
        return np.zeros(steps.shape[1:])
    pairs = (steps[::2] + steps[1::2]) / 2
    if len(pairs) < 2:
        return np.full(steps.shape[1:], np.nan)
    return np.asarray(pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs)))


def _whole(n: int) -> Booleans:
    return np.ones(n, bool)


def _without(mask: Booleans, place: int) -> Booleans:
    left = mask.copy()
    left[place] = False
    return left
