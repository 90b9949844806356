"""The rules that a data set's tags and texts should keep, each with what breaks it."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import TfidfVectorizer

from tagifai.data import Dataset, Project, Tag
from tagifai.data.names import nearest_name, spelling_key
from tagifai.errors import counted, shorten
from tagifai.text.classes import char_class
from tagifai.text.neighbours import Neighbour, nearest_earlier
from tagifai.text.segmentation import space_text

LISTED = 20
MOST_TAGS = 8
SIMILAR = 0.7
UNSAID = 1 / 3


@dataclass(frozen=True)
class Case:
    """One thing that breaks a rule: the projects' ids, the tags, and what to look at."""

    ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """A broken rule: `count` things break it, the first `LISTED` of them are `cases`."""

    rule: str
    message: str
    count: int
    cases: tuple[Case, ...]


def finding(rule: str, message: str, cases: Iterable[Case]) -> list[Finding]:
    """Return the rule's finding, none where there is no case."""
    cases = list(cases)
    if not cases:
        return []
    shown = tuple(Case(case.ids[:LISTED], case.tags[:LISTED], case.note) for case in cases[:LISTED])
    return [Finding(rule, f"{message}: {len(cases):,}", len(cases), shown)]


def unknown_tags(dataset: Dataset) -> list[Case]:
    """List the projects' tags that the tag file lacks, with the projects."""
    holders: dict[str, list[str]] = defaultdict(list)
    for project in dataset.projects:
        for tag in project.tags:
            if dataset.tags and tag not in dataset.tags:
                holders[tag].append(project.id)
    ranked = sorted(holders.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Case(tuple(ids), (tag,)) for tag, ids in ranked]


def unused_tags(dataset: Dataset) -> list[Case]:
    """List the tags of the tag file that no project carries."""
    used = {tag for project in dataset.projects for tag in project.tags}
    return [Case(tags=(tag,)) for tag in sorted(dataset.tags) if tag not in used]


def missing_parents(tags: Mapping[str, Tag]) -> list[Case]:
    """List (tag, parent) where the parent is no tag of the file."""
    return [
        Case(tags=(name, parent))
        for name, tag in tags.items()
        for parent in tag.parents
        if parent not in tags
    ]


def parent_cycles(tags: Mapping[str, Tag]) -> list[Case]:
    """List the sets of tags that are above themselves.

    >>> parent_cycles({"a": Tag("a", parents=("b",)), "b": Tag("b", parents=("a",))})
    [Case(ids=(), tags=('a', 'b'), note='')]
    """
    place = {name: k for k, name in enumerate(tags)}
    links = [
        (place[name], place[parent])
        for name, tag in tags.items()
        for parent in tag.parents
        if parent in place
    ]
    if not links:
        return []
    rows, columns = zip(*links, strict=True)
    graph = sparse.coo_matrix((np.ones(len(links)), (rows, columns)), shape=(len(tags),) * 2)
    labels = connected_components(graph, directed=True, connection="strong")[1]
    rings: dict[int, list[str]] = defaultdict(list)
    for name, label in zip(tags, labels, strict=True):
        rings[int(label)].append(name)
    return [
        Case(tags=tuple(sorted(ring)))
        for ring in rings.values()
        if len(ring) > 1 or ring[0] in tags[ring[0]].parents
    ]


def ambiguous_aliases(tags: Mapping[str, Tag]) -> list[Case]:
    """List the names, or aliases, that stand for two tags or more, whatever their spelling."""
    owners: dict[str, set[str]] = defaultdict(set)
    for name, tag in tags.items():
        for alias in (name, *tag.aliases):
            owners[plain(alias)].add(name)
    return [
        Case(tags=tuple(sorted(named)), note=alias)
        for alias, named in sorted(owners.items())
        if alias and len(named) > 1
    ]


def idle_exclusions(dataset: Dataset) -> list[Case]:
    """List the excluded tags that no project carries, each with the nearest one in use."""
    used = {tag for project in dataset.projects for tag in project.tags}
    found = []
    for tag in dataset.config.excluded:
        if tag not in used:
            near = nearest_name(tag, used)
            found.append(Case(tags=(tag,), note=f"did you mean {near!r}?" if near else ""))
    return found


def tag_spellings(dataset: Dataset) -> list[Case]:
    """List the groups of `spelling_groups`, each tag with its number of projects."""
    return [
        Case(tags=tuple(counts), note=describe_spellings(counts))
        for counts in spelling_groups(dataset)
    ]


def describe_spellings(counts: Mapping[str, int]) -> str:
    """Return tags with their counts, so that those which look alike can be distinguished.

    >>> describe_spellings({"nlp": 2, "NLP": 1})
    "'nlp' 2 projects, 'NLP' 1 project"
    """
    return ", ".join(
        f"{_visible(name)} {counted(count, 'project')}" for name, count in counts.items()
    )


def spelling_groups(dataset: Dataset) -> list[dict[str, int]]:
    """Group the tags that differ by case, spaces, hyphens, underscores or Unicode form alone.

    Each group is {tag: number of projects}, in the form in which the files have it, the commonest
    first; the groups of most projects come first. Forms of Unicode are read as one tag, all
    others as several.
    """
    written: Counter[str] = Counter()
    for project in dataset.projects:
        written.update(project.written or project.tags)
    for name in dataset.tags:
        written[name] += 0
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(written, key=lambda name: (-written[name], name)):
        groups[spelling_key(name)].append(name)
    found = [{name: written[name] for name in names} for names in groups.values() if len(names) > 1]
    return sorted(found, key=lambda counts: -sum(counts.values()))


def _visible(name: str) -> str:
    """Quote a name so that forms which look alike can be distinguished."""
    composed = unicodedata.is_normalized("NFC", name)
    return repr(shorten(name)) if composed else ascii(shorten(name))


def tag_numbers(projects: Sequence[Project]) -> list[Case]:
    """List the projects with too many tags; one without any is a negative, or unlabelled."""
    return [
        Case((project.id,), note=f"{len(project.tags)} tags")
        for project in projects
        if len(project.tags) > MOST_TAGS
    ]


def empty_descriptions(projects: Sequence[Project]) -> list[Case]:
    """List the projects without a word of description."""
    return [
        Case((project.id,), note=project.title)
        for project in projects
        if not _ASCII_WORD.search(project.description) and not plain(project.description)
    ]


def same_ids(projects: Sequence[Project]) -> list[Case]:
    """Group the projects whose ids differ in Unicode form or blanks alone."""
    holders: dict[str, list[str]] = defaultdict(list)
    for project in projects:
        holders[" ".join(unicodedata.normalize("NFKC", project.id).split())].append(project.id)
    return [
        Case(tuple(ids), note=", ".join(ascii(shorten(one)) for one in ids))
        for ids in holders.values()
        if len(ids) > 1
    ]


def same_titles(projects: Sequence[Project]) -> list[Case]:
    """Group the projects of one title, whatever its case, punctuation and Unicode form."""
    holders: dict[str, list[Project]] = defaultdict(list)
    for project in projects:
        holders[plain(project.title)].append(project)
    return [
        Case(tuple(project.id for project in found), note=found[0].title)
        for title, found in holders.items()
        if title and len(found) > 1
    ]


def word_vectors(texts: Sequence[str]) -> sparse.csr_matrix | None:
    """Return the texts' word TF-IDF, each row of length 1; None where no text has a word.

    Texts that differ in Unicode form alone are the same.
    """
    composed = [unicodedata.normalize("NFKC", text) for text in texts]
    try:
        return sparse.csr_matrix(TfidfVectorizer().fit_transform(composed))
    except ValueError:
        return None


def near_duplicates(
    projects: Sequence[Project], advance: Callable[[float], None] | None = None
) -> list[Case]:
    """List projects with the earlier one they nearly repeat: cosine of word TF-IDF ≥ 0.7.

    Most similar first; ids are (project, earlier project).
    """
    rows = word_vectors([project.text for project in projects])
    if rows is None:
        return []
    found: list[Neighbour] = nearest_earlier(rows, SIMILAR, advance=advance)
    ranked = sorted(found, key=lambda pair: (-pair.cosine, pair.row))
    return [
        Case(
            (projects[pair.row].id, projects[pair.earlier].id),
            note=f"cosine {pair.cosine:.2f}: {projects[pair.row].name}",
        )
        for pair in ranked
    ]


def count_unsaid(dataset: Dataset) -> int:
    """Count the (project, tag) pairs whose text has neither the tag nor an alias of it.

    Case and punctuation aside, whole words: "image-classification" is in "Image
    classification made easy", not in "classification of images".
    """
    forms: dict[str, list[str]] = {}
    unsaid = 0
    for project in dataset.projects:
        text = f" {plain(project.text)} "
        for tag in project.tags:
            if tag not in forms:
                known = dataset.tags.get(tag, Tag(tag))
                named = (plain(name) for name in (tag, *known.aliases))
                forms[tag] = [f" {name} " for name in named if name]
            unsaid += not any(form in text for form in forms[tag])
    return unsaid


def plain(text: str) -> str:
    """Reduce `text` to its words, in lower case and one Unicode form, with single spaces.

    >>> plain("Part-of-Speech  tagging, in C++!")
    'part of speech tagging in c++'
    >>> plain("A\\u0308rzte, \\ufb01ne") == plain("\\u00c4RZTE FINE")
    True
    """
    # No word reaches over whitespace, and long texts hold the same pieces again and again.
    pieces = (
        _plain_piece(piece) if len(piece) <= _LONGEST_PIECE else _plain(piece)
        for piece in text.split()
    )
    return " ".join(filter(None, pieces))


def _plain(text: str) -> str:
    if text.isascii():
        return " ".join(_ASCII_WORD.findall(text.casefold()))
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_word().findall(space_text(unicodedata.normalize("NFKC", folded))))


_LONGEST_PIECE = 40
_plain_piece = lru_cache(maxsize=50_000)(_plain)


_ASCII_WORD = re.compile(r"[^\W_]+[+#]*")


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    """Match a word of any script: its vowel signs and accents, too, which `\\w` leaves out."""
    return re.compile(rf"(?:[^\W_]|[{char_class('M')}])+[+#]*")
