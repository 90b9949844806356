"""Find sentences that were made from one template: the same frame, other names in it."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import islice

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from tagifai.data import Project, Tag
from tagifai.text.classes import char_class
from tagifai.text.languages import DEFAULT_LANGUAGE, stopwords_of
from tagifai.text.neighbours import nearest_earlier
from tagifai.text.segmentation import space_text

SLOT = "…"
# How much of two frames agrees: 2 × words in common / words of both, slots aside. Two nearly
# equal ones are a template; so are looser ones that share content words, when three agree.
NEARLY = 0.8
NEARLY_WORDS = 4
LOOSELY = 0.6
LOOSELY_CONTENT = 2
# Function words alone say little: so many of them, in more than this share of the projects.
COMMON = ((3, 0.01), (5, 0.0025))
OPENING_WORDS = 4
OPENING_SHARE = 0.01
_LONGEST_OPENING, _LONGEST_SENTENCE = 2_000, 5_000
FEWEST = 3
# Of long texts the first sentences are read: as many in all, or at least so many of each.
MOST_SENTENCES, LEAST_SENTENCES = 40_000, 20
_COMPARED = 5

_SENTENCE_END = re.compile(
    r"(?<=[.!?\u06d4\u061f\u0964])[\"'’”)\]]*\s+|(?<=[\u3002\uff01\uff1f])|\n+"
)

Frame = tuple[str, ...]


@dataclass(frozen=True)
class SharedFrame:
    """A frame and the projects (their positions, rising) with a sentence made from it."""

    frame: str
    projects: tuple[int, ...]


def shared_frames(
    projects: Sequence[Project],
    tags: Mapping[str, Tag],
    advance: Callable[[float], None] | None = None,
    language: str = DEFAULT_LANGUAGE,
) -> list[SharedFrame]:
    """Group projects whose sentences are (nearly) equal once names are taken out.

    Names are the words of the title and of the project's tags and their aliases, words with
    a capital or a digit, and code in backticks. A frame counts from four remaining words
    on. Two frames that agree in 80 % of their words, in order, are one; so are frames of
    three projects or more that agree in 60 %, two of them content words. The frame shown is
    the first one of its group. Most projects first.

    >>> rows = [("BERT", "BERT reads both sides of a word."),
    ...         ("GPT", "Here GPT reads both sides of a word.")]
    >>> shared_frames([Project(t, t, d, ()) for t, d in rows], {})
    [SharedFrame(frame='… reads both sides of a word', projects=(0, 1))]
    """
    members: dict[Frame, set[int]] = defaultdict(set)
    function_words = frozenset(stopwords_of(language))
    for position, frame in _frames(projects, tags, function_words):
        if _num_words(frame) >= NEARLY_WORDS:
            members[frame].add(position)
    frames = list(members)
    nearly, loosely = _links(frames, function_words, advance)
    many = [
        shared for shared in _groups(members, nearly + loosely) if len(shared.projects) >= FEWEST
    ]
    covered = {position for shared in many for position in shared.projects}
    few = [s for s in _groups(members, nearly) if not covered.issuperset(s.projects)]
    return _most_first(shared for shared in many + few if len(shared.projects) > 1)


def common_frames(
    projects: Sequence[Project], tags: Mapping[str, Tag], language: str = DEFAULT_LANGUAGE
) -> list[SharedFrame]:
    """Group projects whose sentences are equal once all but function words are taken out.

    By chance many sentences are: only frames of three function words in more than 1 % of
    the projects count, or of five in more than 0.25 %; in three projects or more.
    """
    members: dict[Frame, set[int]] = defaultdict(set)
    function_words = frozenset(stopwords_of(language))
    for position, frame in _frames(projects, tags, function_words):
        members[_masked(frame, lambda word: word not in function_words)].add(position)
    return _most_first(
        SharedFrame(" ".join(frame), tuple(sorted(found)))
        for frame, found in members.items()
        if any(
            _num_words(frame) >= words and _many(len(found), len(projects), share)
            for words, share in COMMON
        )
    )


def common_openings(projects: Sequence[Project]) -> list[SharedFrame]:
    """Group projects whose descriptions begin with the same four words, as 1 % do or more.

    In three projects or more.
    """
    members: dict[Frame, set[int]] = defaultdict(set)
    for position, project in enumerate(projects):
        # Four words of any length stand before this many characters, or no four words do.
        start = project.description[:_LONGEST_OPENING]
        found = _token().finditer(space_text(_composed(start).lower()))
        words = tuple(match[0] for match in islice(found, OPENING_WORDS))
        if len(words) == OPENING_WORDS:
            members[words].add(position)
    return _most_first(
        SharedFrame(" ".join(opening), tuple(sorted(found)))
        for opening, found in members.items()
        if _many(len(found), len(projects), OPENING_SHARE)
    )


def sentences_read(num_projects: int) -> int:
    """Return how many sentences of each description are read, the first ones.

    >>> sentences_read(400), sentences_read(30_000)
    (100, 20)
    """
    return max(LEAST_SENTENCES, MOST_SENTENCES // max(1, num_projects))


def split_sentences(text: str, most: int) -> list[str]:
    """Return the first sentences of a text, cut where one is longer than a page.

    >>> split_sentences("One. Two! Three?", 2)
    ['One.', 'Two!']
    """
    found = _SENTENCE_END.split(_composed(text), maxsplit=most)
    return [sentence[:_LONGEST_SENTENCE] for sentence in found[:most]]


def _many(count: int, num_projects: int, share: float) -> bool:
    return count >= max(FEWEST, math.floor(num_projects * share) + 1)


def _most_first(found: Iterable[SharedFrame]) -> list[SharedFrame]:
    return sorted(found, key=lambda shared: (-len(shared.projects), shared.projects))


def _frames(
    projects: Sequence[Project], tags: Mapping[str, Tag], function_words: Set[str]
) -> Iterable[tuple[int, Frame]]:
    """Yield (position of the project, frame) of each sentence that is read."""
    most = sentences_read(len(projects))
    sentences = [
        [
            _token().findall(space_text(sentence))
            for sentence in split_sentences(project.description, most)
        ]
        for project in projects
    ]
    in_lower_case = {
        token for found in sentences for tokens in found for token in tokens if token.islower()
    }

    def is_name(token: str, first: bool, own: set[str]) -> bool:
        lower = token.lower()
        if lower in function_words:
            return False
        if token[0] == "`" or not own.isdisjoint(_word().findall(lower)):
            return True
        if first and token[1:] == lower[1:]:  # a capital for the sentence's sake, or a name's
            return token[0].isdigit() or (token != lower and lower not in in_lower_case)
        return any(character.isupper() or character.isdigit() for character in token)

    for position, project in enumerate(projects):
        own = _own_words(project, tags) - function_words
        for tokens in sentences[position]:
            names = {k for k, token in enumerate(tokens) if is_name(token, first=k == 0, own=own)}
            words = [SLOT if k in names else token.lower() for k, token in enumerate(tokens)]
            yield position, _masked(words, lambda word: False)


def _composed(text: str) -> str:
    # An accent of its own would end a word.
    return unicodedata.normalize("NFC", text)


def _own_words(project: Project, tags: Mapping[str, Tag]) -> set[str]:
    names = [project.title, *project.tags]
    for tag in project.tags:
        if tag in tags:
            names += tags[tag].aliases
    words = (_word().findall(space_text(_composed(name).lower())) for name in names)
    return {word for found in words for word in found}


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    return re.compile(rf"[\w{char_class('M')}]+")


@lru_cache(maxsize=1)
def _token() -> re.Pattern[str]:
    word = _word().pattern
    return re.compile(rf"`[^`]*`|{word}(?:['’.+-]{word})*")


def _masked(words: Iterable[str], is_content: Callable[[str], bool]) -> Frame:
    """Replace content by a slot; neighbouring slots are one."""
    frame: list[str] = []
    for word in words:
        shown = SLOT if word == SLOT or is_content(word) else word
        if shown != SLOT or frame[-1:] != [SLOT]:
            frame.append(shown)
    return tuple(frame)


def _num_words(frame: Frame) -> int:
    return sum(word != SLOT for word in frame)


def _links(
    frames: Sequence[Frame],
    function_words: Set[str],
    advance: Callable[[float], None] | None,
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """List the pairs of frames that nearly agree, and those that do so loosely."""
    nearly: list[tuple[int, int]] = []
    loosely: list[tuple[int, int]] = []
    if not frames:
        return nearly, loosely
    # The second "the" of a frame is a feature of its own: the cosine of such sets is never
    # below the share of words in common, so no pair is missed.
    counts = CountVectorizer(analyzer=_numbered, binary=True, dtype=np.float64)
    rows = normalize(counts.fit_transform(frames))
    for pair in nearest_earlier(rows, LOOSELY, keep=_COMPARED, advance=advance):
        a, b = frames[pair.row], frames[pair.earlier]
        same = _common_words(a, b)
        agreement = 2 * len(same) / (_num_words(a) + _num_words(b))
        if agreement >= NEARLY:
            nearly.append((pair.row, pair.earlier))
        elif agreement >= LOOSELY and len(set(same) - function_words) >= LOOSELY_CONTENT:
            loosely.append((pair.row, pair.earlier))
    return nearly, loosely


def _groups(
    members: Mapping[Frame, set[int]], links: Sequence[tuple[int, int]]
) -> list[SharedFrame]:
    rows, columns = np.array(links, np.int64).reshape(-1, 2).T
    graph = sparse.coo_matrix(
        (np.ones(len(links)), (rows, columns)), shape=(len(members), len(members))
    )
    labels = connected_components(graph, directed=False)[1] if members else []
    groups: dict[int, list[Frame]] = defaultdict(list)
    for frame, label in zip(members, labels, strict=True):
        groups[int(label)].append(frame)
    return [
        SharedFrame(" ".join(group[0]), tuple(sorted(set().union(*(members[f] for f in group)))))
        for group in groups.values()
    ]


def _numbered(frame: Frame) -> list[str]:
    seen: Counter[str] = Counter()
    numbered = []
    for word in frame:
        if word != SLOT:
            seen[word] += 1
            numbered.append(f"{word} {seen[word]}")
    return numbered


def _common_words(a: Frame, b: Frame) -> list[str]:
    """List the words that two frames have in common and in order."""
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    same = (word for block in blocks for word in a[block.a : block.a + block.size])
    return [word for word in same if word != SLOT]
