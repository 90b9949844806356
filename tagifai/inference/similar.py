"""Find the projects whose texts are most like a given one, to judge a prediction by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tagifai.data import Project
from tagifai.label_errors.evidence import likeness_vectorizer
from tagifai.models.features import TextCleaner
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

    def find(self, text: str, most: int = 5) -> list[SimilarProject]:
        """List up to `most` projects that share a word with a text, the most similar first."""
        words = self._cleaner.clean(text)
        if self._vectorizer is None or not words:
            return []
        query = sparse.csr_matrix(self._vectorizer.transform([words]))
        shared = sparse.csr_matrix(query @ self._projects_of)
        rows, cosines = shared.indices, shared.data
        nearest = np.lexsort((rows, -cosines))[:most]
        return [
            SimilarProject(self._projects[int(rows[k])], min(1.0, float(cosines[k])))
            for k in nearest
            if cosines[k] > 0
        ]
