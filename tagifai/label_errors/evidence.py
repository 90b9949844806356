"""Evidence on whether a project should carry a tag, besides the model's probability."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from tagifai.arrays import Array, Booleans, Floats, Integers
from tagifai.data import Project, Tag
from tagifai.matrices import Stored, as_csr, column_of, row_blocks
from tagifai.models.features import AliasFlags, TextCleaner, alias_phrases
from tagifai.predictions import Predictions
from tagifai.text.languages import DEFAULT_LANGUAGE
from tagifai.text.preprocessing import FILTERS

NEIGHBOURS = 10
FOLDS = 5
SMOOTHING = 5.0
MOST_COMPARED = 5_000
"""Up to so many texts, each is compared with every other one; of more, with a few."""
_CHUNK = 512
# For each text: products of weights that candidates are found by; candidates for each neighbour.
_PRODUCTS, _CANDIDATES = 2_000, 4
Advance = Callable[[float], None]
"""Called with the share that is done."""


@dataclass(frozen=True, eq=False)
class Along:
    """How much likelier than usual tags are beside others, learned from other folds of projects.

    The log ratio of two tags that never come together depends on the first one alone: only those
    that do are stored.

    Attributes
    ----------
    apart : array of shape (n_beside,)
        The log ratio of any tag beside each tag that it never came with.
    together : CSR of shape (n_beside, n_tags)
        What is added where both came together.
    """

    apart: Floats
    together: Stored


@dataclass(frozen=True, eq=False)
class Evidence:
    """What speaks for each tag of each project, computed block by block when it is asked for.

    Attributes
    ----------
    flags : CSR of shape (n_projects, n_tags)
        1 where the text contains a name of the tag, or of a tag below it.
    y_true : CSR of shape (n_projects, n_tags)
        The labels.
    neighbours, likeness : arrays of shape (n_projects, k)
        Rows of the nearest projects, and their cosine similarity in [0, 1].
    beside : CSR of shape (n_projects, n_beside)
        The tags of each project, also those that the version does not know.
    fold : int array of shape (n_projects,)
        Which part of the projects each is in.
    by_fold : sequence of Along
        What comes along, learned from the projects outside each fold.
    known : bool array of shape (n_projects,)
        Whether the data has the project.
    """

    flags: Stored
    y_true: Stored
    neighbours: Array
    likeness: Array
    beside: Stored
    fold: Integers
    by_fold: Sequence[Along]
    known: Array

    def of(self, rows: Integers) -> tuple[Array, Array, Array]:
        """Return `named`, `share` and `along` of these projects, (n_rows, n_tags) each."""
        return self._named(rows), self._share(rows), self._along(rows)

    def at(self, row: int, column: int) -> tuple[bool, float]:
        """Return whether a tag is named in a project's text, and its neighbours' share."""
        rows = np.array([row])
        return bool(self._named(rows)[0, column]), float(self._share(rows)[0, column])

    @cached_property
    def named(self) -> Array:
        """Return 1 where the text contains a name of the tag, of all projects."""
        return self._named(np.arange(len(self.known)))

    @cached_property
    def share(self) -> Array:
        """Return the share of the neighbours that carry each tag, weighted by similarity."""
        return self._share(np.arange(len(self.known)))

    @cached_property
    def along(self) -> Array:
        """Return how much likelier than usual each tag is beside a project's other tags.

        It is a mean of log ratios.
        """
        return self._along(np.arange(len(self.known)))

    def _named(self, rows: Integers) -> Array:
        return np.asarray(self.flags[rows].toarray())

    def _share(self, rows: Integers) -> Array:
        near, weight = self.neighbours[rows], self.likeness[rows].astype(float)
        total = np.maximum(weight.sum(axis=1), 1e-9)
        ends = np.arange(len(rows) + 1) * near.shape[1]
        weights = sparse.csr_array(
            (weight.ravel(), near.ravel(), ends), shape=(len(rows), len(self.known))
        )
        return np.asarray((weights @ self.y_true).toarray()) / total[:, None]

    def _along(self, rows: Integers) -> Array:
        found = np.empty((len(rows), self.y_true.shape[1]))
        for part, one in enumerate(self.by_fold):
            here = np.flatnonzero(self.fold[rows] == part)
            beside, truth = self.beside[rows[here]], self.y_true[rows[here]].toarray()
            others = np.asarray(beside.sum(axis=1)).ravel()[:, None] - truth
            ratios = (beside @ one.apart)[:, None] + (beside @ one.together).toarray()
            found[here] = ratios / np.maximum(others, 1)
        return found


@dataclass(frozen=True, slots=True)
class CoTag:
    """A tag that often comes together with another one.

    `count` is the number of projects with `tag`, `share` the part of them, in [0, 1], that carry
    the other tag too.
    """

    tag: str
    count: int
    share: float


def gather_evidence(
    predictions: Predictions,
    projects: Mapping[str, Project],
    tags: Mapping[str, Tag],
    language: str = DEFAULT_LANGUAGE,
    advance: Advance | None = None,
) -> Evidence:
    """Gather the evidence on every tag of every project that was predicted.

    A project that the data no longer has counts as one without text and tags. `advance` receives
    the share done.
    """
    found = [projects.get(one) for one in predictions.ids]
    clean = TextCleaner(filters=FILTERS, language=language)
    texts = clean.transform([project.text if project else "" for project in found])
    neighbours, likeness = nearest_neighbours(texts, advance=advance)
    truth = as_csr(predictions.y_true).astype(float)
    beside = _count_beside(predictions, truth, found)
    fold = np.random.default_rng(0).permutation(len(found)) % FOLDS
    return Evidence(
        flags=_named(texts, predictions.tags, tags, clean),
        y_true=truth,
        neighbours=neighbours,
        likeness=likeness,
        beside=beside,
        fold=fold,
        by_fold=[_learn_along(beside, truth, fold != part) for part in range(FOLDS)],
        known=np.array([project is not None for project in found]),
    )


def nearest_neighbours(
    texts: Sequence[str], k: int = NEIGHBOURS, advance: Advance | None = None
) -> tuple[Array, Array]:
    """Find the `k` nearest other texts of each text, by TF-IDF of words and pairs of words.

    Of more than `MOST_COMPARED` texts, those are looked at that share the rarer words: so many
    that the work grows with the texts, not with their square. Their cosines are exact.

    Returns
    -------
    rows : int array of shape (n_texts, k)
        The nearest first.
    cosines : float array of shape (n_texts, k)
        In [0, 1]; 0 where two texts share no word.

    Examples
    --------
    >>> nearest_neighbours(["red cat", "red cat fish", "blue"], k=1)[0].ravel().tolist()[:2]
    [1, 0]
    """
    k = min(k, len(texts) - 1)
    if k < 1 or not any(texts):
        return np.zeros((len(texts), 0), np.intp), np.zeros((len(texts), 0), np.float32)
    weights = weigh_words(texts)
    rows = np.empty((len(texts), k), np.intp)
    cosines = np.empty((len(texts), k), np.float32)
    find = _among_all if len(texts) <= MOST_COMPARED else _among_candidates
    for block, near, likeness in find(weights, k):
        order = np.lexsort((near, -likeness), axis=1)[:, :k]
        rows[block] = np.take_along_axis(near, order, axis=1)
        cosines[block] = np.take_along_axis(likeness, order, axis=1)
        if advance is not None:
            advance(block.stop / len(texts))
    return rows, cosines


def weigh_words(texts: Sequence[str]) -> Stored:
    """Return TF-IDF of words and pairs of words, as `likeness_vectorizer` fits it, float32.

    Columns are in the order in which the words come up. Words are counted with arrays, which takes
    a fifth of the time.
    """
    number_of: dict[str, int] = {}
    numbers, lengths = [], []
    for text in texts:
        own = text.lower().split()
        numbers += [number_of.setdefault(word, len(number_of)) for word in own]
        lengths.append(len(own))
    words = np.array(numbers, np.int64)
    row = np.repeat(np.arange(len(texts)), lengths)
    follows = row[1:] == row[:-1]
    pairs, pair = np.unique(
        words[:-1][follows] * len(number_of) + words[1:][follows], return_inverse=True
    )
    columns = np.concatenate([words, len(number_of) + pair])
    width = len(number_of) + len(pairs)
    counts = sparse.coo_array(
        (np.ones(len(columns)), (np.concatenate([row, row[1:][follows]]), columns)),
        shape=(len(texts), width),
    ).tocsr()
    frequency = np.bincount(counts.indices, minlength=width)
    idf = np.log((1 + len(texts)) / (1 + frequency)) + 1
    counts.data = (1 + np.log(counts.data)) * idf[counts.indices]
    norm = np.sqrt(counts.multiply(counts).sum(axis=1))
    counts.data /= np.repeat(np.maximum(norm, 1e-300), np.diff(counts.indptr))
    return counts.astype(np.float32)


Found = Iterator[tuple[slice, Array, Array]]
"""Blocks of rows with some of their nearest rows and the cosines, in any order."""


def _among_all(weights: Stored, k: int) -> Found:
    """Compare every text with every other one."""
    transposed = weights.T.tocsr()
    for block in row_blocks(weights.shape[0], 1, _CHUNK):
        likeness = (weights[block] @ transposed).toarray()
        here = np.arange(len(likeness))
        likeness[here, block.start + here] = -1
        nearest = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
        yield block, nearest, np.take_along_axis(likeness, nearest, axis=1)


def _among_candidates(weights: Stored, k: int) -> Found:
    """Compare each text with those that share the rarer words, found by these words alone."""
    n = weights.shape[0]
    rare = _rare_words(weights)
    few, many = weights[:, rare], weights[:, ~rare]
    transposed = few.T.tocsr()
    most = _CANDIDATES * k
    for block in row_blocks(n, 1, _CHUNK):
        shared = (few[block] @ transposed).tocsr()
        # A text that shares nothing rare with others is near to any of them, at 0.
        nearest = block.start + 1 + np.arange(block.stop - block.start)[:, None] + np.arange(most)
        nearest %= n
        likeness = np.zeros(nearest.shape, np.float32)
        for place, (start, end) in enumerate(
            zip(shared.indptr[:-1].tolist(), shared.indptr[1:].tolist(), strict=True)
        ):
            values, rows = shared.data[start:end], shared.indices[start:end]
            others = rows != block.start + place
            values, rows = values[others], rows[others]
            if len(values) > most:
                chosen = np.argpartition(-values, most - 1)[:most]
                values, rows = values[chosen], rows[chosen]
            if len(rows) < k:
                # Others fill up, none twice.
                spare = np.setdiff1d(nearest[place], rows)[: most - len(rows)]
                rows = np.concatenate([rows, spare])
                values = np.concatenate([values, np.zeros(len(spare), np.float32)])
            nearest[place, : len(rows)], likeness[place, : len(rows)] = rows, values
            likeness[place, len(rows) :] = -1
        own = np.repeat(np.arange(block.start, block.stop), most)
        common = many[own].multiply(many[nearest.ravel()]).sum(axis=1)
        likeness += np.asarray(common, np.float32).reshape(nearest.shape) * (likeness >= 0)
        yield block, nearest, likeness


def _rare_words(weights: Stored) -> Booleans:
    """Return which words come up in so few texts that all pairs of them are soon multiplied."""
    frequency = np.bincount(weights.indices, minlength=weights.shape[1]).astype(float)
    order = np.argsort(frequency, kind="stable")
    within = np.cumsum(frequency[order] ** 2) <= _PRODUCTS * weights.shape[0]
    rare = np.zeros(weights.shape[1], bool)
    rare[order[within]] = True
    return rare


def likeness_vectorizer() -> TfidfVectorizer:
    """Build the vectorizer that texts are compared by: TF-IDF of words and pairs, unfitted."""
    return TfidfVectorizer(
        ngram_range=(1, 2),
        sublinear_tf=True,
        token_pattern=r"\S+",  # noqa: S106 - a pattern of words, no password
        dtype=np.float32,
    )


def name_found(
    text: str, tag: str, tags: Mapping[str, Tag], language: str = DEFAULT_LANGUAGE
) -> str | None:
    """Return the first name of a tag, or of a tag below it, that a text contains.

    >>> name_found("A CNN for cats", "convolutional-neural-networks",
    ...            {"convolutional-neural-networks": Tag("x", ("cnn",))})
    'cnn'
    """
    clean = TextCleaner(filters=FILTERS, language=language)
    words = f" {clean.transform([text])[0]} "
    phrases = (phrase for column in alias_phrases([tag], tags, clean) for phrase in column)
    return next((phrase for phrase in phrases if f" {phrase} " in words), None)


def tags_along(
    predictions: Predictions, projects: Mapping[str, Project], row: int, tag: str, most: int = 3
) -> tuple[CoTag, ...]:
    """List the tags of a project that often come together with `tag`.

    Other projects alone are counted. Only tags with a share above that of all projects are
    listed, the highest first.
    """
    project = projects.get(predictions.ids[row])
    column = column_of(predictions.y_true, predictions.tags.index(tag))
    usual = float(column.mean())
    own = set(project.tags) - {tag} if project else set()
    counts = dict.fromkeys(own, 0)
    together = dict.fromkeys(own, 0)
    for other, one in enumerate(predictions.ids):
        if other != row and one in projects:
            for name in own.intersection(projects[one].tags):
                counts[name] += 1
                together[name] += int(column[other])
    found = [
        CoTag(name, counts[name], together[name] / counts[name])
        for name in own
        if counts[name] and together[name] / counts[name] > usual
    ]
    return tuple(sorted(found, key=lambda one: (-one.share, -one.count, one.tag))[:most])


def _named(
    texts: Sequence[str], names: Sequence[str], tags: Mapping[str, Tag], clean: TextCleaner
) -> Stored:
    columns = [
        tuple(phrase for column in alias_phrases([name], tags, clean) for phrase in column)
        for name in names
    ]
    return sparse.csr_array(AliasFlags(columns, 1.0).fit([]).transform(texts))


def _count_beside(
    predictions: Predictions, truth: Stored, found: Sequence[Project | None]
) -> Stored:
    """Return the tags of each project: the version's as it saw them, others from the data."""
    column: dict[str, int] = {tag: number for number, tag in enumerate(predictions.tags)}
    num_known = len(column)
    starts = truth.indptr.tolist()
    ends, columns = [0], []
    for row, project in enumerate(found):
        # Labels of the version's own tags are those it saw; other tags are in the data alone.
        columns += truth.indices[starts[row] : starts[row + 1]].tolist()
        others = {
            column.setdefault(tag, len(column))
            for tag in (project.tags if project else ())
            if column.get(tag, num_known) >= num_known
        }
        columns += sorted(others)
        ends.append(len(columns))
    return sparse.csr_array(
        (np.ones(len(columns)), np.array(columns, np.int32), np.array(ends)),
        shape=(len(found), max(len(column), 1)),
    )


def _learn_along(beside: Stored, truth: Stored, learned: Booleans) -> Along:
    """Learn the log ratios of co-occurrence from some of the projects."""
    n = truth.shape[0]
    usual = np.maximum(truth[learned].sum(axis=0) / max(int(learned.sum()), 1), 1 / max(n, 1))
    together = (beside[learned].T @ truth[learned]).tocoo()
    count = np.asarray(beside[learned].sum(axis=0)).ravel()
    apart = np.log(SMOOTHING / (count + SMOOTHING))
    first, second = together.coords
    ratio = np.log(
        (together.data + SMOOTHING * usual[second]) / (count[first] + SMOOTHING) / usual[second]
    )
    # No tag speaks for itself.
    other = first != second
    own = np.arange(truth.shape[1])
    first, second = np.concatenate([first[other], own]), np.concatenate([second[other], own])
    added = np.concatenate([ratio[other] - apart[first[: other.sum()]], -apart[own]])
    return Along(apart, sparse.csr_array((added, (first, second)), shape=together.shape))
