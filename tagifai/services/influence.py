"""Why a project was decided so: its words, and the training projects that pushed it."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError, counted, one_of
from tagifai.inference.explanation import explain, explain_all
from tagifai.inspection.influence import ModelInfluence, model_influence
from tagifai.models.params import Params
from tagifai.selection import LEARNT, rows_of
from tagifai.services.versions import VersionService
from tagifai.store.memory_cache import MemoryCache

MOST_LEFT_OUT = 50


class WordShare(NamedTuple):
    """What the text from `start` to `stop` adds to a tag's log-odds."""

    start: int
    stop: int
    value: float


class Influence(NamedTuple):
    """What each of the `ids`, the projects that a version learned from, did to one margin.

    `shares` (n,) and `offset` sum to the margin; `pushes` (n,) estimate leaving one out.
    """

    ids: tuple[str, ...]
    carried: np.ndarray
    shares: np.ndarray
    pushes: np.ndarray
    offset: float

    @property
    def margin(self) -> float:
        """The margin that the shares sum to."""
        return float(self.shares.sum() + self.offset)


class InfluenceService:
    """Explain decisions; answers are cached while data and version stay the same."""

    def __init__(self, versions: VersionService) -> None:
        self.versions = versions
        self._explained = MemoryCache(500)
        # Each holds two matrices of projects by projects.
        self._models = MemoryCache(3)

    def words(self, name: str, tag: str, project: str) -> list[WordShare]:
        """Compute what each word of a project's text adds to a tag's log-odds.

        Raises
        ------
        TagifaiError
            No model, an unknown tag, or the data no longer has the project.
        """
        return self.words_of_all(name, tag, [project])[0]

    def words_of_all(self, name: str, tag: str, projects: Sequence[str]) -> list[list[WordShare]]:
        """Compute for each project what `words` does, in less time than one by one.

        Raises
        ------
        TagifaiError
            As `words`.
        """
        texts, column = [self._text(project) for project in projects], self._column(name, tag)
        model, stamp = self.versions.model(name), self.versions.stamp(name)
        keys = [((name, one), (stamp, text)) for one, text in zip(projects, texts, strict=True)]
        new = [i for i, key in enumerate(keys) if not self._explained.has(*key)]
        made = dict(zip(new, explain_all(model, [texts[i] for i in new]), strict=True))
        shares = []
        for i, key in enumerate(keys):
            # A cached answer may be gone by now.
            make = partial(made.pop, i) if i in made else partial(explain, model, texts[i])
            found = self._explained.get(*key, make)
            shares.append(
                [
                    WordShare(word.start, word.stop, float(value))
                    for word, value in zip(found.words, found.contributions[:, column], strict=True)
                ]
            )
        return shares

    def influence(self, name: str, tag: str, project: str) -> Influence:
        """Compute which training projects pushed a project's margin for a tag up or down.

        Raises:
            TagifaiError: no model or data, an unknown tag or project, or a model of which it
                cannot be told (see `model_influence`).
        """
        text = self._text(project)
        model, learned, carried = self._influence_of(name, tag)
        shares, offset = model.shares(text)
        return Influence(tuple(learned), carried, shares, model.pushes(text), offset)

    def refit_without(self, name: str, tag: str, project: str, left_out: Sequence[str]) -> float:
        """Train again without some projects; return how far they pushed a project's margin.

        Raises:
            TagifaiError: as for `influence`, none or more than 50 projects to leave out, or
                one that the version did not learn from.
        """
        if not 1 <= len(left_out) <= MOST_LEFT_OUT:
            raise TagifaiError(
                f"choose 1 to {MOST_LEFT_OUT} projects to leave out, got {len(left_out)}"
            )
        text = self._text(project)
        model, learned, _ = self._influence_of(name, tag)
        place = {one: number for number, one in enumerate(learned)}
        for one in left_out:
            if one not in place:
                raise TagifaiError(f"version {name!r} did not learn from project {one!r}")
        return model.push_of([place[one] for one in left_out], text)

    def _influence_of(self, name: str, tag: str) -> tuple[ModelInfluence, list[str], np.ndarray]:
        self._column(name, tag)
        predictions, texts = self.versions.predictions(name), self.versions.texts()
        rows = rows_of(predictions, LEARNT)
        learned = [predictions.ids[row] for row in rows]
        gone = [one for one in learned if one not in texts]
        if gone:
            raise TagifaiError(
                f"influence cannot be told: {counted(len(gone), 'project')} that the version "
                f"learnt from are no longer in the data, {gone[0]!r} for one"
            )
        model, params = self.versions.model(name), self.versions.load(name).params
        carried = predictions.y_true[rows, predictions.tags.index(tag)]
        made = self._models.get(
            (name, tag),
            (self.versions.stamp(name), self.versions.data.get().dataset.digest),
            lambda: model_influence(
                model, Params.from_dict(params), tag, [texts[one].text for one in learned], carried
            ),
        )
        return made, learned, carried

    def _column(self, name: str, tag: str) -> int:
        tags = self.versions.predictions(name).tags
        if tag not in tags:
            raise one_of("tag", tag, tags)
        return tags.index(tag)

    def _text(self, project: str) -> str:
        texts = self.versions.texts()
        if project not in texts:
            raise TagifaiError(f"project {project!r} is not in the data (any more)")
        return replace_surrogates(texts[project].text)
