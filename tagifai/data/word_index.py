"""Which projects hold a word, or part of one: found in the vocabulary, then looked up."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from tagifai.arrays import Booleans, Integers
from tagifai.data import Project
from tagifai.data.names import fold_text
from tagifai.data.project_table import TEXTS, ProjectTable

Advance = Callable[[int], None]
# Words whose answers are kept: those of a search that somebody types.
_KEPT = 32
# Projects of a word from which its list is marked by itself, and not among others.
_LONG = 256
_PART = 4_096

# The first project of some, how many words each has, and the numbers of these words.
_Part = tuple[int, Integers, Integers]


class WordIndex:
    """The words of projects, and the projects of each word.

    What is asked for lies within a word, since words of a query have no blanks either: so the
    distinct words are searched, which are few, and never the texts.

    Parameters
    ----------
    projects : sequence of Project
        What is searched: their ids, titles, descriptions and tags.
    advance : callable, optional
        Called now and then with the number of projects indexed so far.

    Examples
    --------
    >>> index = WordIndex([Project("1", "Graphs", "", ()), Project("2", "a graph", "", ("nlp",))])
    >>> index.holding("graph").tolist(), index.holding("phs").tolist()
    ([True, True], [True, False])
    """

    def __init__(self, projects: Sequence[Project], advance: Advance | None = None) -> None:
        from scipy import sparse

        self._num_projects = len(projects)
        place: dict[str, int] = {}
        lengths, codes = [], []
        parts = (
            _words_of_table(projects, place)
            if isinstance(projects, ProjectTable)
            else _words_of_objects(projects, place)
        )
        for first, some_lengths, some_codes in parts:
            lengths.append(some_lengths)
            codes.append(some_codes.astype(np.int32))
            if advance is not None:
                advance(first + len(some_lengths))
        starts = np.concatenate([[0], np.cumsum(np.concatenate([*lengths, [0]]))])[:-1]
        numbers = np.concatenate([*codes, np.zeros(0, np.int32)])
        del codes
        by_project = sparse.csr_matrix(
            (np.ones(len(numbers), np.int8), numbers, starts), (len(projects), len(place))
        )
        by_word = by_project.tocsc()
        self._starts, self._rows = by_word.indptr, by_word.indices
        vocabulary = [word.encode() for word in place]
        self._letters = np.frombuffer(b"\n".join([*vocabulary, b""]), np.uint8)
        spans = [len(word) + 1 for word in vocabulary]
        self._word_of = np.repeat(np.arange(len(spans), dtype=np.int32), spans)
        self.holding = lru_cache(_KEPT)(self._find)

    def _find(self, word: str) -> Booleans:
        """Return which projects hold a word that was folded, or have it within another."""
        found = np.zeros(self._num_projects, bool)
        words = self._words_with(word.encode())
        starts, ends = self._starts[words].astype(np.int64), self._starts[words + 1]
        lengths = ends - starts
        for start, end in zip(starts[lengths >= _LONG], ends[lengths >= _LONG], strict=True):
            found[self._rows[start:end]] = True
        starts, lengths = starts[lengths < _LONG], lengths[lengths < _LONG]
        before = np.cumsum(lengths) - lengths
        places = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
        found[self._rows[places]] = True
        found.flags.writeable = False
        return found

    def _words_with(self, letters: bytes) -> Integers:
        """Return the numbers of the words that have these bytes in them."""
        first, *rest = letters
        places = np.flatnonzero(self._letters == first)
        for distance, letter in enumerate(rest, start=1):
            places = places[self._letters.take(places + distance, mode="clip") == letter]
        found = np.zeros(len(self._starts) - 1, bool)
        found[self._word_of[places]] = True
        return np.flatnonzero(found)


def _words_of_objects(projects: Sequence[Project], place: dict[str, int]) -> Iterator[_Part]:
    lengths: list[int] = []
    codes: list[int] = []
    for project in projects:
        text = "\n".join((project.id, project.title, project.description, *project.tags))
        words = set(fold_text(text).split())
        lengths.append(len(words))
        codes += [place.setdefault(word, len(place)) for word in words]
    yield 0, np.array(lengths, np.int64), np.array(codes, np.int64)


def _words_of_table(table: ProjectTable, place: dict[str, int]) -> Iterator[_Part]:
    tags = [
        np.array([place.setdefault(word, len(place)) for word in fold_text(name).split()], np.int32)
        for name in table.carried.names
    ]
    words_in = np.array([len(one) for one in tags], np.int64)
    begins = np.concatenate([[0], np.cumsum(words_in)])
    of_tags = np.concatenate([*tags, np.zeros(0, np.int32)])
    for first, batch in table.batches():
        for start in range(0, batch.num_rows, _PART):
            part = batch.slice(start, _PART)
            rows, codes = [], []
            for name in TEXTS:
                row, code = _split(part.column(name), place)
                rows.append(row)
                codes.append(code)
            here = slice(first + start, first + start + part.num_rows)
            carried = table.carried.codes[
                table.carried.starts[here.start] : table.carried.starts[here.stop]
            ]
            carrier = np.repeat(np.arange(part.num_rows), table.carried.numbers[here])
            counts = words_in[carried]
            within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            rows.append(np.repeat(carrier, counts))
            codes.append(of_tags[np.repeat(begins[carried], counts) + within])
            row, code = np.concatenate(rows), np.concatenate(codes)
            order = np.argsort(row, kind="stable")
            yield here.start, np.bincount(row, minlength=part.num_rows), code[order]


def _split(texts: object, place: dict[str, int]) -> tuple[Integers, Integers]:
    """Return the project of each word of some texts, and the word's number."""
    import pyarrow.compute as pc

    split = pc.utf8_split_whitespace(texts)
    encoded = split.flatten().dictionary_encode()
    own = [place.setdefault(fold_text(word), len(place)) for word in encoded.dictionary.to_pylist()]
    lengths = pc.list_value_length(split).to_numpy(zero_copy_only=False)
    numbers = np.array(own, np.int32)[encoded.indices.to_numpy(zero_copy_only=False)]
    return np.repeat(np.arange(len(lengths)), lengths), numbers
