"""Predict a tag wherever its name stands: what a behavioral score is worth without learning.

A model that scores no better than this on a group of tests shows there only that it knows names.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tagifai.behavioral.phrasing import WORD, misspelt_names, spoken
from tagifai.data import Tag


@dataclass(frozen=True, slots=True)
class NameIndex:
    """The tags by the words of their names and aliases, and how many words the longest has."""

    tags: Mapping[tuple[str, ...], frozenset[str]]
    longest: int


def index_names(tags: Mapping[str, Tag]) -> NameIndex:
    """Index names and aliases, each also with one slip of spelling.

    A slip that makes another name out of a name stands for that other name alone.
    """
    exact: dict[tuple[str, ...], set[str]] = {}
    for tag, described in tags.items():
        for name in (tag, *described.aliases):
            exact.setdefault(_words(spoken(name)), set()).add(tag)
    exact.pop((), None)
    found = {words: set(named) for words, named in exact.items()}
    for words, named in exact.items():
        for form in misspelt_names(" ".join(words)):
            slipped = tuple(form.split(" "))
            if slipped not in exact:
                found.setdefault(slipped, set()).update(named)
    return NameIndex(
        {words: frozenset(named) for words, named in found.items()}, max(map(len, found), default=0)
    )


def find_names(text: str, index: NameIndex) -> Iterator[tuple[int, int, frozenset[str]]]:
    """Yield where a name stands in a text, as (start, stop, tags); names may overlap."""
    places = list(WORD.finditer(text))
    words = [place[0].lower() for place in places]
    for first in range(len(words)):
        for last in range(first + 1, min(first + index.longest, len(words)) + 1):
            named = index.tags.get(tuple(words[first:last]))
            if named:
                yield places[first].start(), places[last - 1].end(), named


def match_names(texts: Sequence[str], tags: Mapping[str, Tag]) -> list[list[str]]:
    """Predict for each text the tags whose name or alias stands in it.

    Whole words count, whatever their case; one slip of spelling in a name is forgiven.

    >>> tags = {"computer-vision": Tag("computer-vision", ("cv",)), "audio": Tag("audio")}
    >>> match_names(["CV for audio.", "Computer visoin!", "A photo."], tags)
    [['audio', 'computer-vision'], ['computer-vision'], []]
    """
    index = index_names(tags)
    return [
        sorted({tag for _, _, named in find_names(text, index) for tag in named}) for text in texts
    ]


def _words(name: str) -> tuple[str, ...]:
    return tuple(WORD.findall(name.lower()))
