"""Find the projects whose texts are most like a given one, to judge a prediction by."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tagifai.arrays import Array, Floats
from tagifai.data import Project
from tagifai.errors import TagifaiError, counted
from tagifai.label_errors.evidence import likeness_vectorizer
from tagifai.models.features import TextCleaner
from tagifai.models.predictor import MAX_EMBEDDED
from tagifai.text.languages import DEFAULT_LANGUAGE
from tagifai.text.preprocessing import FILTERS


@dataclass(frozen=True, slots=True)
class SimilarProject:
    """A project, and the cosine of its text and another one, in (0, 1]."""

    project: Project
    likeness: float


class SimilarProjects:
    """An index of projects by the words and pairs of words of their texts (TF-IDF).

    Parameters
    ----------
    projects
        The projects to find.
    language
        The language of their texts.

    Examples
    --------
    >>> index = SimilarProjects([Project("1", "Red cats", "", ("cat",)),
    ...                          Project("2", "Blue whales", "", ())])
    >>> [(found.project.id, found.likeness > 0.5) for found in index.find("Cats, red")]
    [('1', True)]
    """

    def __init__(self, projects: Sequence[Project], language: str = DEFAULT_LANGUAGE) -> None:
        self._projects = projects
        self._cleaner = TextCleaner(filters=FILTERS, language=language)
        texts = self._cleaner.transform([project.text for project in projects])
        self._vectorizer = likeness_vectorizer() if any(texts) else None
        if self._vectorizer is not None:
            # By feature: the few features of a text lead straight to the projects with them.
            self._projects_of = sparse.csr_matrix(self._vectorizer.fit_transform(texts).T)

    def typical_words(self, tag: str, most: int = 12) -> list[str]:
        """List the words that the projects of a tag have more of than others, most typical first.

        Examples
        --------
        >>> index = SimilarProjects([Project("1", "Red cats", "", ("cat",)),
        ...                          Project("2", "Red whales", "", ())])
        >>> index.typical_words("cat")
        ['cats']
        """
        with_tag = np.array([tag in project.tags for project in self._projects])
        if self._vectorizer is None or not with_tag.any() or with_tag.all():
            return []
        mean = np.asarray(self._projects_of @ (with_tag / with_tag.sum()))
        rest = np.asarray(self._projects_of @ (~with_tag / (~with_tag).sum()))
        words = self._vectorizer.get_feature_names_out()
        order = np.argsort(rest - mean, kind="stable")
        found = (str(words[k]) for k in order[: 10 * most] if mean[k] > rest[k])
        return [word for word in found if " " not in word][:most]

    def find(self, text: str, most: int = 5) -> list[SimilarProject]:
        """List up to `most` projects that share a word with a text, the most similar first."""
        words = self._cleaner.clean(text)
        if self._vectorizer is None or not words:
            return []
        query = sparse.csr_matrix(self._vectorizer.transform([words]))
        shared = sparse.csr_matrix(query @ self._projects_of)
        return _nearest(self._projects, shared.indices, shared.data, most)


class EmbeddedProjects:
    """Projects by a predictor's own embeddings of their texts, made part by part.

    Parameters
    ----------
    projects
        The projects to find.
    """

    def __init__(self, projects: Sequence[Project]) -> None:
        self._projects = projects
        self._rows: list[Floats] = []
        self._lock = threading.Lock()

    @property
    def num_missing(self) -> int:
        """How many projects were not embedded yet."""
        return len(self._projects) - len(self._rows)

    def add(self, embed: Callable[[list[str]], Floats], num: int) -> None:
        """Embed the next projects.

        Raises
        ------
        TagifaiError
            Those of all projects would not fit the memory.
        """
        with self._lock:
            first = len(self._rows)
            texts = [project.text for project in self._projects[first : first + num]]
            if not texts:
                return
            rows = _unit_length(np.asarray(embed(texts), np.float32))
            if len(self._projects) * rows.shape[1] > MAX_EMBEDDED:
                raise TagifaiError(
                    f"embeddings of {counted(len(self._projects), 'project')} with "
                    f"{rows.shape[1]:,} numbers each do not fit"
                )
            self._rows.extend(rows)

    def find(self, vector: Floats, most: int = 5) -> list[SimilarProject]:
        """List up to `most` projects whose embeddings have the largest cosine with a text's."""
        if not self._rows:
            return []
        cosines = np.array(self._rows) @ _unit_length(np.asarray(vector, np.float32)[None])[0]
        return _nearest(self._projects, np.arange(len(cosines)), cosines, most)


def _unit_length(rows: Array) -> Array:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))


def _nearest(
    projects: Sequence[Project], rows: Array, cosines: Floats, most: int
) -> list[SimilarProject]:
    nearest = np.lexsort((rows, -cosines))[:most]
    return [
        SimilarProject(projects[int(rows[k])], min(1.0, float(cosines[k])))
        for k in nearest
        if cosines[k] > 0
    ]
