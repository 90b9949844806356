"""Generate behavioral tests from a data set's own texts, with no tag's name in any of them.

The training projects, not a model, show which words decide: versions of the same data, tags and
split get the same tests. A model that only knows names passes none of them.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tagifai.behavioral import WITHOUT_NAMES, BehavioralTest, Case
from tagifai.behavioral.name_matcher import NameIndex, find_names, index_names
from tagifai.behavioral.phrasing import WORD
from tagifai.data import Tag
from tagifai.text.languages import DEFAULT_LANGUAGE, stopwords_of

_TEXTS_A_TAG = 3
_LEAST_PROJECTS = 4
_LEAST_LIFT = 4.0
_LEAST_WORDS = 2
_WORDS_TO_SWAP = 3
# Less than this, and a word is as good as neutral: it may stay where the tag must go.
_HINT = 1.5
_MOST_PROJECTS = 20_000
_LONGEST = 2_000
_MARKS = re.compile(r"[^\w\s]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text and its tags."""

    text: str
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Association:
    """The training words of a tag: those that decide for it, the surest first, and mere hints.

    `hints` holds every word that comes at least 1.5 times as often with the tag as without it.
    """

    deciding: tuple[str, ...]
    hints: frozenset[str]


def associate_words(
    training: Sequence[LabelledText], tags: Collection[str], language: str = DEFAULT_LANGUAGE
) -> dict[str, Association]:
    """Collect by tag the words that go with it in training, except stopwords of `language`.

    A word decides where at least four projects have both it and the tag, and where it comes at
    least four times as often with the tag as without (shares smoothed by one project each).
    The first 20,000 projects are read.
    """
    stopwords, training = frozenset(stopwords_of(language)), training[:_MOST_PROJECTS]
    everywhere: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    inside: dict[str, Counter[str]] = {tag: Counter() for tag in sorted(tags)}
    for one in training:
        words = _words_of(one.text) - stopwords
        everywhere.update(words)
        for tag in one.tags & inside.keys():
            sizes[tag] += 1
            inside[tag].update(words)
    found = {}
    for tag, counts in inside.items():
        outside = len(training) - sizes[tag]
        lifts = {
            word: (number + 1)
            / (sizes[tag] + 2)
            / ((everywhere[word] - number + 1) / (outside + 2))
            for word, number in counts.items()
        }
        surest = sorted(
            (-counts[word] * math.log(lift), word)
            for word, lift in lifts.items()
            if counts[word] >= _LEAST_PROJECTS and lift >= _LEAST_LIFT
        )
        hints = frozenset(word for word, lift in lifts.items() if lift >= _HINT)
        found[tag] = Association(tuple(word for _, word in surest), hints)
    return found


def generate_rewordings(
    training: Sequence[LabelledText],
    test: Sequence[LabelledText],
    tags: Mapping[str, Tag],
    seed: int = 0,
    language: str = DEFAULT_LANGUAGE,
) -> tuple[BehavioralTest, ...]:
    """Reword up to three test texts of each tag, once every tag's name is cut out of them.

    A text serves where two of the tag's deciding words are left. In `dir-words-removed` all
    words that hint at the tag go, and the tag must go with them; in `dir-words-swapped` the
    deciding ones of another tag, never seen together with this one, stand in their place, and
    that tag must come instead. Lower case (`inv-case`), no punctuation (`inv-punctuation`) and
    sentences in reverse (`inv-sentence-order`) must leave the tag. The same texts, tags and
    seed give the same tests.
    """
    index, together = index_names(tags), _tags_together((*training, *test), tags)
    words = _Words(
        associate_words(training, tags, language),
        stopwords=frozenset(stopwords_of(language)),
        seen=frozenset(word for one in training[:_MOST_PROJECTS] for word in _words_of(one.text)),
    )
    texts = _texts_by_tag(test, tags, index)
    usable = [tag for tag in texts if len(words.of[tag].deciding) >= _WORDS_TO_SWAP]
    tests: list[BehavioralTest] = []
    for tag, candidates in texts.items():
        others = [other for other in usable if other not in together[tag]]
        rng = Random(f"{seed}/{tag}/reworded")  # noqa: S311 - repeatable on purpose, no secret
        for text in _choose_texts(candidates, words.of[tag]):
            rng.shuffle(others)
            tests += [
                one
                for one in _reword(tag, text, words, others)
                if all(_names_none(case.text, index) for case in one.cases)
            ]
    return tuple(tests)


@dataclass(frozen=True, slots=True)
class _Words:
    """What training says of words: the associations of each tag, and all words that it saw."""

    of: Mapping[str, Association]
    stopwords: frozenset[str]
    seen: frozenset[str]

    def neutral(self, text: str, tag: str) -> set[str]:
        """Collect the words of a text that may stay where a tag must go."""
        hints = self.of[tag].hints
        # What training never saw may hint at the tag as well.
        return {
            word
            for word in _words_of(text)
            if word in self.stopwords or (word in self.seen and word not in hints)
        }

    def instead(self, text: str, tag: str, others: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Choose the first of other tags that has enough words to replace those of `tag`.

        Returns its name and the new word of each old one; "" and nothing where none has.
        """
        known = self.of[tag]
        old = sorted(_words_of(text) & set(known.deciding))
        for other in others:
            # Words that say nothing for this tag.
            new = [word for word in self.of[other].deciding if word not in known.hints]
            if len(new) >= max(len(old), _WORDS_TO_SWAP):
                return other, dict(zip(old, new, strict=False))
        return "", {}


def _tags_together(
    labelled: Sequence[LabelledText], tags: Collection[str]
) -> dict[str, frozenset[str]]:
    """Collect by tag all that any text carries beside it, itself among them."""
    together: dict[str, set[str]] = {tag: {tag} for tag in tags}
    for one in labelled:
        for tag in one.tags & together.keys():
            together[tag] |= one.tags
    return {tag: frozenset(others) for tag, others in together.items()}


def _texts_by_tag(
    test: Sequence[LabelledText], tags: Collection[str], index: NameIndex
) -> dict[str, list[str]]:
    """List by tag the test texts, without the names of tags."""
    texts: dict[str, list[str]] = {tag: [] for tag in sorted(tags)}
    for one in test[:_MOST_PROJECTS]:
        if len(one.text) <= _LONGEST:
            text = _without_names(one.text, index)
            for tag in one.tags & texts.keys():
                texts[tag].append(text)
    return texts


def _choose_texts(texts: Sequence[str], known: Association) -> list[str]:
    """Choose the texts with the most deciding words of a tag."""
    deciding = set(known.deciding)
    counted = ((len(_words_of(text) & deciding), text) for text in texts)
    enough = sorted((-number, text) for number, text in counted if number >= _LEAST_WORDS)
    return [text for _, text in enough[:_TEXTS_A_TAG]]


def _reword(tag: str, text: str, words: _Words, others: Sequence[str]) -> list[BehavioralTest]:
    stay = words.neutral(text, tag)
    reworded = [_removed(tag, text, stay), *_invariances(tag, text)]
    other, instead = words.instead(text, tag, others)
    if other:
        reworded.append(_swapped(tag, other, text, stay, instead))
    return reworded


def _removed(tag: str, text: str, stay: Collection[str]) -> BehavioralTest:
    cases = (Case(text, (tag,)), Case(_replaced(text, stay, {}), (), (tag,)))
    return BehavioralTest("DIR", "dir-words-removed", cases, WITHOUT_NAMES)


def _swapped(
    tag: str, other: str, text: str, stay: Collection[str], instead: Mapping[str, str]
) -> BehavioralTest:
    cases = (Case(text, (tag,)), Case(_replaced(text, stay, instead), (other,), (tag,)))
    return BehavioralTest("DIR", "dir-words-swapped", cases, WITHOUT_NAMES)


def _invariances(tag: str, text: str) -> list[BehavioralTest]:
    changed = {
        "inv-case": text.lower(),
        "inv-punctuation": " ".join(_MARKS.sub(" ", text).split()),
        "inv-sentence-order": " ".join(reversed(_SENTENCE_END.split(text))),
    }
    return [
        BehavioralTest("INV", group, (Case(text, (tag,)), Case(other, (tag,))), WITHOUT_NAMES)
        for group, other in changed.items()
        if other != text
    ]


def _without_names(text: str, index: NameIndex) -> str:
    """Cut the names of tags out of a text, also those that a cut brings together."""
    while spans := [(start, stop) for start, stop, _ in find_names(text, index)]:
        parts, place = [], 0
        for start, stop in sorted(spans):
            parts.append(text[place : max(start, place)])
            place = max(place, stop)
        text = " ".join([*parts, text[place:]])
    return " ".join(text.split())


def _names_none(text: str, index: NameIndex) -> bool:
    return bool(text) and next(find_names(text, index), None) is None


def _replaced(text: str, stay: Collection[str], instead: Mapping[str, str]) -> str:
    """Replace the words of `instead`, leave those of `stay` as they are, and drop all others."""

    def change(found: re.Match[str]) -> str:
        word = found[0].lower()
        return instead.get(word) or (found[0] if word in stay else "")

    return " ".join(WORD.sub(change, text).split())


def _words_of(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(text)}
