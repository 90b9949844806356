"""The training projects behind a decision: influential where that is known, else similar."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import numpy as np

from tagifai.arrays import Array, Booleans, Floats
from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError, counted, one_of
from tagifai.inference.reasons import inner_predictor
from tagifai.inference.similar import SimilarProjects
from tagifai.inspection.influence import ModelInfluence, model_influence
from tagifai.inspection.layer_influence import LayerInfluence, layer_influence
from tagifai.matrices import column_of
from tagifai.models.adapters.own import OwnPredictor
from tagifai.models.linear_layer import LinearLayer, read_linear_layer
from tagifai.models.params import Params
from tagifai.models.predictor import (
    Cancelled,
    CheckedPredictor,
    PredictionCancelled,
    Predictor,
    Progress,
)
from tagifai.selection import LEARNT, rows_of
from tagifai.services.versions import VersionService
from tagifai.store.memory_cache import MemoryCache

MOST_LEFT_OUT = 50
MOST_SIMILAR = 16
MAX_EMBEDDED = 20_000_000
"""The most numbers of training texts' embeddings that are held for a version: 80 MB."""
# How far a layer's probability may be from the predictor's own.
SAME = 2e-3
NO_LAYER = (
    "the predictor does not end in a linear layer on embeddings that is known here, so what each "
    "training text did to it cannot be computed"
)


class Influence(NamedTuple):
    """What each of the `ids`, the projects that a version learned from, did to one margin.

    `shares` (n,) and `offset` sum to the margin; `pushes` (n,) estimate leaving one out.
    """

    ids: tuple[str, ...]
    carried: np.ndarray
    shares: np.ndarray
    pushes: np.ndarray
    offset: float
    kind: Literal["shares"] = "shares"

    @property
    def margin(self) -> float:
        """The margin that the shares sum to."""
        return float(self.shares.sum() + self.offset)


@dataclass(frozen=True, slots=True, eq=False)
class LayerPushes:
    """How far training projects push a margin by a predictor's last layer.

    Attributes
    ----------
    ids : tuple of str
        The n projects that the layer was fitted to.
    carried : array (n,)
        Whether each has the tag.
    pushes : array (n,)
        Estimates: without the project, the margin would be lower by so much.
    products : array (n,)
        TracIn's products of gradients (Pruthi et al. 2020), which rank less like refits do.
    margin : float
        The log-odds before calibration.
    is_optimum : bool
        Whether the layer is what fitting it to these projects gives; else the estimates say what
        its weights imply, not what training did.
    part : {"train", "train+val"}
        The projects that the layer fits best.
    """

    ids: tuple[str, ...]
    carried: Booleans
    pushes: Floats
    products: Floats
    margin: float
    is_optimum: bool
    part: str
    kind: Literal["pushes"] = "pushes"


@dataclass(frozen=True, slots=True, eq=False)
class SimilarTexts:
    """The training projects whose texts are most like one, the most similar first.

    Attributes
    ----------
    ids : tuple of str
    carried : array (n,)
        Whether each has the tag.
    likeness : array (n,)
        Cosines.
    by : {"embeddings", "words"}
        What was compared.
    why : str
        Why they are called similar, not influential.
    """

    ids: tuple[str, ...]
    carried: Booleans
    likeness: Floats
    by: Literal["embeddings", "words"]
    why: str
    kind: Literal["similar"] = "similar"


Behind = Influence | LayerPushes | SimilarTexts


@dataclass(frozen=True, slots=True, eq=False)
class _Trained:
    """The training projects of a version that the data still has, and whether each has a tag."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    carried: Booleans
    is_train: Booleans
    num_gone: int


class InfluenceService:
    """Find the training projects behind decisions; what takes long is cached by its content."""

    def __init__(self, versions: VersionService) -> None:
        self.versions = versions
        # Each holds two matrices of projects by projects.
        self._models = MemoryCache(3)
        # Up to 80 MB each, and twice that for each layer.
        self._embedded = MemoryCache(2)
        self._layers = MemoryCache(2)
        self._similar = MemoryCache(1)

    def behind(
        self,
        name: str,
        tag: str,
        project: str,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> Behind:
        """Find the training projects behind a decision, by the best method for the predictor.

        Our own model has its exact influence; predictors with embeddings and a linear last layer
        are estimated by one Newton step on that layer. Of all others, similar texts are found.

        Raises
        ------
        PredictionCancelled
            ``cancelled`` returned true.
        TagifaiError
            No predictor or data, an unknown tag or project, or nothing to learn from.
        """
        predictor, text = self.versions.predictor(name), self.versions.text_of(project)
        why = NO_LAYER
        try:
            if isinstance(predictor.predictor, OwnPredictor):
                return self.influence(name, tag, project)
            layer = self._linear_layer(predictor)
            if layer is not None:
                return self._pushes(name, tag, text, predictor, layer, progress, cancelled)
        except PredictionCancelled:
            raise
        except TagifaiError as error:
            why = str(error)
        return self._similar_to(name, tag, project, predictor, why, progress, cancelled)

    def influence(self, name: str, tag: str, project: str) -> Influence:
        """Compute which training projects pushed a margin of our own model up or down.

        Raises
        ------
        TagifaiError
            No model or data, an unknown tag or project, or a model of which it cannot be told
            (see `model_influence`).
        """
        text = self.versions.text_of(project)
        model, learned, carried = self._influence_of(name, tag)
        shares, offset = model.shares(text)
        return Influence(tuple(learned), carried, shares, model.pushes(text), offset)

    def refit_without(self, name: str, tag: str, project: str, left_out: Sequence[str]) -> float:
        """Train again without some projects; return how far they pushed a project's margin.

        Of a predictor with a linear last layer, that layer alone is trained again.

        Raises
        ------
        TagifaiError
            As for `behind`, none or more than 50 projects to leave out, one that the version did
            not learn from, or a predictor that cannot be trained again here.
        """
        if not 1 <= len(left_out) <= MOST_LEFT_OUT:
            raise TagifaiError(
                f"choose 1 to {MOST_LEFT_OUT} projects to leave out, got {len(left_out)}"
            )
        text, predictor = self.versions.text_of(project), self.versions.predictor(name)
        if isinstance(predictor.predictor, OwnPredictor):
            model, learned, _ = self._influence_of(name, tag)
            return model.push_of(_places(name, learned, left_out), text)
        layer = self._linear_layer(predictor)
        if layer is None:
            raise TagifaiError(f"version {name!r} cannot be trained again here: {NO_LAYER}")
        fitted, trained, _ = self._layer_of(name, tag, predictor, layer)
        embedding = predictor.embed([text])[0]
        return fitted.push_of(_places(name, trained.ids, left_out), embedding)

    def _pushes(
        self,
        name: str,
        tag: str,
        text: str,
        predictor: CheckedPredictor,
        layer: LinearLayer,
        progress: Progress | None,
        cancelled: Cancelled | None,
    ) -> LayerPushes:
        embedding = predictor.embed([text], cancelled=cancelled)
        _check_layer(predictor, layer, text, embedding, cancelled)
        fitted, trained, part = self._layer_of(name, tag, predictor, layer, progress, cancelled)
        return LayerPushes(
            trained.ids,
            trained.carried,
            fitted.pushes(embedding[0]),
            fitted.gradient_products(embedding[0]),
            fitted.margin(embedding[0]),
            fitted.is_optimum,
            part,
        )

    def _layer_of(
        self,
        name: str,
        tag: str,
        predictor: CheckedPredictor,
        layer: LinearLayer,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> tuple[LayerInfluence, _Trained, str]:
        """Return a tag's layer with the projects that it fits best: train, or val as well."""
        trained, column = self._trained(name, tag), self._column(predictor.tags, tag)
        if trained.num_gone:
            raise _gone(trained.num_gone)
        embeddings = self._embeddings(name, predictor, trained, progress, cancelled)

        def make() -> tuple[LayerInfluence, _Trained, str]:
            weights = layer.coef[column], float(layer.intercept[column])
            found = [(layer_influence(embeddings, trained.carried, *weights), trained, LEARNT)]
            with suppress(TagifaiError):  # train alone may agree on the tag
                rows = trained.is_train
                if not rows.all():
                    fitted = layer_influence(embeddings[rows], trained.carried[rows], *weights)
                    found.append((fitted, _rows_of(trained, rows), "train"))
            return min(found, key=lambda one: one[0].misfit)

        stamp = (predictor, trained.texts, trained.carried.tobytes(), trained.is_train.tobytes())
        return self._layers.get((name, tag), stamp, make)

    def _embeddings(
        self,
        name: str,
        predictor: CheckedPredictor,
        trained: _Trained,
        progress: Progress | None,
        cancelled: Cancelled | None,
    ) -> Array:
        return self._embedded.get(
            name,
            (predictor, trained.texts),
            lambda: predictor.embed(trained.texts, progress, cancelled, MAX_EMBEDDED),
        )

    def _similar_to(
        self,
        name: str,
        tag: str,
        project: str,
        predictor: CheckedPredictor,
        why: str,
        progress: Progress | None,
        cancelled: Cancelled | None,
    ) -> SimilarTexts:
        trained, text = self._trained(name, tag), self.versions.text_of(project)
        if predictor.can_embed:
            try:
                embeddings = self._embeddings(name, predictor, trained, progress, cancelled)
                likeness = _cosines(embeddings, predictor.embed([text], cancelled=cancelled)[0])
                order = np.argsort(-likeness, kind="stable")
                rows = [row for row in order if trained.ids[row] != project][:MOST_SIMILAR]
                return SimilarTexts(
                    tuple(trained.ids[row] for row in rows),
                    trained.carried[rows],
                    likeness[rows],
                    "embeddings",
                    why,
                )
            except PredictionCancelled:
                raise
            except TagifaiError as error:
                why = str(error)
        return self._similar_by_words(name, project, text, trained, why)

    def _similar_by_words(
        self, name: str, project: str, text: str, trained: _Trained, why: str
    ) -> SimilarTexts:
        by_id, language = self.versions.texts(), self.versions.data.get().language
        index = self._similar.get(
            name,
            (trained.ids, trained.texts, language),
            lambda: SimilarProjects([by_id[one] for one in trained.ids], language),
        )
        found = [one for one in index.find(text, MOST_SIMILAR + 1) if one.project.id != project]
        found = found[:MOST_SIMILAR]
        carried = dict(zip(trained.ids, trained.carried, strict=True))
        return SimilarTexts(
            tuple(one.project.id for one in found),
            np.array([carried[one.project.id] for one in found], bool),
            np.array([one.likeness for one in found], float),
            "words",
            why,
        )

    def _linear_layer(self, predictor: CheckedPredictor) -> LinearLayer | None:
        return read_linear_layer(predictor.predictor, len(predictor.tags), predictor.name)

    def _trained(self, name: str, tag: str) -> _Trained:
        predictions, texts = self.versions.predictions(name), self.versions.texts()
        column = self._column(predictions.tags, tag)
        learned = rows_of(predictions, LEARNT)
        rows = np.array([row for row in learned if predictions.ids[row] in texts], int)
        if not len(rows):
            raise TagifaiError("the data has none of the projects that the version learned from")
        ids = tuple(predictions.ids[row] for row in rows)
        return _Trained(
            ids,
            tuple(replace_surrogates(texts[one].text) for one in ids),
            column_of(predictions.y_true, column, rows).astype(bool),
            np.asarray(predictions.split[rows] == "train"),
            len(learned) - len(rows),
        )

    def _influence_of(self, name: str, tag: str) -> tuple[ModelInfluence, list[str], np.ndarray]:
        predictions, texts = self.versions.predictions(name), self.versions.texts()
        column = self._column(predictions.tags, tag)
        rows = rows_of(predictions, LEARNT)
        learned = [predictions.ids[row] for row in rows]
        gone = [one for one in learned if one not in texts]
        if gone:
            raise _gone(len(gone), gone[0])
        own, params = self.versions.predictor(name).predictor, self.versions.load(name).params
        if not isinstance(own, OwnPredictor):
            raise TagifaiError(f"version {name!r} has no model of tagifai's own")
        model = own.classifier
        carried = column_of(predictions.y_true, column, rows)
        made = self._models.get(
            (name, tag),
            (self.versions.stamp(name), self.versions.data.get().dataset.digest),
            lambda: model_influence(
                model, Params.from_dict(params), tag, [texts[one].text for one in learned], carried
            ),
        )
        return made, learned, carried

    def _column(self, tags: Sequence[str], tag: str) -> int:
        if tag not in tags:
            raise one_of("tag", tag, tags)
        return list(tags).index(tag)


def _check_layer(
    predictor: CheckedPredictor,
    layer: LinearLayer,
    text: str,
    embedding: Array,
    cancelled: Cancelled | None,
) -> None:
    """Refuse a layer that does not give the predictor's own probabilities, before calibration."""
    width = layer.coef.shape[1]
    if embedding.shape[1] != width:
        raise TagifaiError(
            f"predictor {predictor.name}: linear_layer reads {width:,} numbers, and embed "
            f"returns {embedding.shape[1]:,}"
        )
    inner = CheckedPredictor(cast(Predictor, inner_predictor(predictor)), predictor.name)
    prob = inner.predict_proba([text], cancelled=cancelled)[0]
    odds = np.clip(layer.margins(embedding)[0], -500, 500)
    gap = float(np.abs(prob - 1 / (1 + np.exp(-odds))).max())
    if gap > SAME:
        raise TagifaiError(
            f"predictor {predictor.name}: its linear_layer misses its own probabilities by "
            f"{gap:.3f}, so it says nothing about them"
        )


def _places(name: str, learned: Sequence[str], chosen: Sequence[str]) -> list[int]:
    place = {one: number for number, one in enumerate(learned)}
    for one in chosen:
        if one not in place:
            raise TagifaiError(f"version {name!r} did not learn from project {one!r}")
    return [place[one] for one in chosen]


def _gone(number: int, example: str = "") -> TagifaiError:
    named = f", {example!r} for one" if example else ""
    return TagifaiError(
        f"influence cannot be told: {counted(number, 'project')} that the version learnt from "
        f"are no longer in the data{named}"
    )


def _rows_of(trained: _Trained, rows: Booleans) -> _Trained:
    return _Trained(
        tuple(one for one, kept in zip(trained.ids, rows, strict=True) if kept),
        (),
        trained.carried[rows],
        trained.is_train[rows],
        0,
    )


def _cosines(embeddings: Array, embedding: Array) -> Floats:
    """Return the cosine of each row with a vector, 0 where one of both has no length."""
    lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(embedding)
    products = embeddings @ embedding
    found = np.divide(products, lengths, out=np.zeros(len(products)), where=lengths > 0)
    return np.clip(found, -1.0, 1.0)
