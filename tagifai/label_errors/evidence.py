"""Evidence on whether a project should carry a tag, besides the model's probability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from tagifai.arrays import Array
from tagifai.data import Project, Tag
from tagifai.models.features import AliasFlags, TextCleaner, alias_phrases
from tagifai.predictions import Predictions
from tagifai.text.languages import DEFAULT_LANGUAGE
from tagifai.text.preprocessing import FILTERS

NEIGHBOURS = 10
FOLDS = 5
SMOOTHING = 5.0
_CHUNK = 512


@dataclass(frozen=True, eq=False)
class Evidence:
    """What speaks for each tag of each project.

    Parameters
    ----------
    named : array of shape (n_projects, n_tags)
        1 where the text contains a name of the tag, or of a tag below it.
    share : array of shape (n_projects, n_tags)
        Share of the nearest neighbours that carry the tag, weighted by similarity, in [0, 1].
    along : array of shape (n_projects, n_tags)
        How much likelier than usual the tag is beside the project's other tags: a mean of log
        ratios.
    neighbours, likeness : arrays of shape (n_projects, k)
        Rows of the nearest projects, and their cosine similarity in [0, 1].
    known : bool array of shape (n_projects,)
        Whether the data has the project.
    """

    named: Array
    share: Array
    along: Array
    neighbours: Array
    likeness: Array
    known: Array


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
) -> Evidence:
    """Compute the evidence on every tag of every project that was predicted.

    A project that the data no longer has counts as one without text and tags.
    """
    found = [projects.get(one) for one in predictions.ids]
    clean = TextCleaner(filters=FILTERS, language=language)
    texts = clean.transform([project.text if project else "" for project in found])
    neighbours, likeness = nearest_neighbours(texts)
    weight = likeness.sum(axis=1)
    carried = np.stack(
        [
            (predictions.y_true[:, column][neighbours] * likeness).sum(axis=1)
            for column in range(len(predictions.tags))
        ],
        axis=1,
    )
    return Evidence(
        named=_named(texts, predictions.tags, tags, clean),
        share=carried / np.maximum(weight, 1e-9)[:, None],
        along=_along(predictions, found),
        neighbours=neighbours,
        likeness=likeness,
        known=np.array([project is not None for project in found]),
    )


def nearest_neighbours(texts: Sequence[str], k: int = NEIGHBOURS) -> tuple[Array, Array]:
    """Find the `k` nearest other texts of each text, by TF-IDF of words and pairs of words.

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
    X = sparse.csr_matrix(likeness_vectorizer().fit_transform(texts))
    transposed = X.T.tocsr()
    rows = np.empty((len(texts), k), np.intp)
    cosines = np.empty((len(texts), k), np.float32)
    for start in range(0, len(texts), _CHUNK):
        likeness = (X[start : start + _CHUNK] @ transposed).toarray()
        here = np.arange(len(likeness))
        likeness[here, start + here] = -1
        nearest = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
        own = np.take_along_axis(likeness, nearest, axis=1)
        order = np.lexsort((nearest, -own), axis=1)
        rows[start : start + _CHUNK] = np.take_along_axis(nearest, order, axis=1)
        cosines[start : start + _CHUNK] = np.take_along_axis(own, order, axis=1)
    return rows, cosines


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
    column = predictions.y_true[:, predictions.tags.index(tag)]
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
) -> Array:
    columns = [
        tuple(phrase for column in alias_phrases([name], tags, clean) for phrase in column)
        for name in names
    ]
    return AliasFlags(columns, 1.0).fit([]).transform(texts).toarray()


def _along(predictions: Predictions, found: Sequence[Project | None]) -> Array:
    """Average the log ratios of co-occurrence, learned from the other folds of projects alone."""
    n = len(predictions.ids)
    column: dict[str, int] = {tag: i for i, tag in enumerate(predictions.tags)}
    indptr, indices = [0], []
    for row, project in enumerate(found):
        # Labels of the version's own tags are those it saw; other tags are in the data alone.
        own = set(np.flatnonzero(predictions.y_true[row]).tolist())
        for tag in project.tags if project else ():
            if tag not in predictions.tags:
                own.add(column.setdefault(tag, len(column)))
        indices.extend(sorted(own))
        indptr.append(len(indices))
    carried = sparse.csr_matrix(
        (np.ones(len(indices)), indices, indptr), shape=(n, max(len(column), 1))
    )
    truth = predictions.y_true.astype(float)
    fold = np.random.default_rng(0).permutation(n) % FOLDS
    along = np.zeros(truth.shape)
    diagonal = np.arange(len(predictions.tags))
    for part in range(FOLDS):
        others, here = fold != part, fold == part
        usual = np.maximum(truth[others].mean(axis=0), 1 / max(n, 1))
        together = np.asarray(carried[others].T @ truth[others])
        count = np.asarray(carried[others].sum(axis=0)).ravel()[:, None]
        ratio = np.log((together + SMOOTHING * usual) / (count + SMOOTHING) / usual)
        ratio[diagonal, diagonal] = 0
        beside = np.asarray(carried[here].sum(axis=1)).ravel()[:, None] - truth[here]
        along[here] = (carried[here] @ ratio) / np.maximum(beside, 1)
    return along
