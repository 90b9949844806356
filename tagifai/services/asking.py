"""Ask a version's predictor about a text: within a moment, or with progress and a way to stop."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from tagifai.arrays import Array
from tagifai.inference import TextPrediction, describe_predictions
from tagifai.inference.attribution import (
    BUDGET,
    Attribution,
    estimate_shapley,
    leave_one_out,
    split_parts,
)
from tagifai.inference.linear_pipelines import LinearPipeline, explain_linear
from tagifai.inference.reasons import find_pipeline
from tagifai.models.predictor import CheckedPredictor, PredictionCancelled
from tagifai.predictions import decide, threshold_array
from tagifai.services.patience import PATIENT, Ask, TooSlow
from tagifai.services.versions import VersionService
from tagifai.store.memory_cache import MemoryCache

_FIRST = 4
_STEP = 0.5
Quality = Literal["fast", "best"]


class Asker:
    """What versions' predictors say of texts; the last answers are remembered.

    Parameters
    ----------
    versions : VersionService
        Where predictors come from.
    """

    def __init__(self, versions: VersionService) -> None:
        self.versions = versions
        self._answers = MemoryCache(64)
        self._attributions = MemoryCache(64)
        self._pipelines = MemoryCache(8)

    def is_own(self, name: str) -> bool:
        """Check whether a version has our own model, which answers at once."""
        return self.versions.keeps_model(name) or not self.versions.can_predict(name)

    def predictor(self, name: str, ask: Ask = PATIENT) -> CheckedPredictor:
        """Open a version's predictor.

        Raises
        ------
        TooSlow
            It is not open, and that is to be done at once.
        TagifaiError
            As `VersionService.predictor`.
        """
        if ask.until is not None and not self.versions.predictors.is_open(name):
            self.versions.require_predictor(name)
            self.versions.predictors.check_allowed(name)
            raise TooSlow("the predictor is not open")
        return self.versions.predictor(name)

    def predict(self, name: str, texts: Sequence[str], ask: Ask = PATIENT) -> list[TextPrediction]:
        """Predict the tags of texts by any version.

        Raises
        ------
        TooSlow, PredictionCancelled
            See `Ask`.
        TagifaiError
            The version has no predictor, or it fails.
        """
        if self.is_own(name):
            return self.versions.predict(name, texts)
        predictor = self.predictor(name, ask)
        version = self.versions.load(name)
        cuts = {tag: version.threshold(tag) for tag in predictor.tags}
        sent = [text for text in texts if text.strip()]
        prob = np.zeros((len(texts), len(predictor.tags)), np.float32)
        prob[[bool(text.strip()) for text in texts]] = self._probabilities(
            name, predictor, sent, ask
        )
        found = describe_predictions(predictor, cuts, texts, prob)
        if version.decisions_only:
            return [replace(one, decisions_only=True) for one in found]
        return found

    def attribution(
        self, name: str, text: str, ask: Ask = PATIENT, quality: Quality = "best"
    ) -> Attribution:
        """Explain all tags' log-odds of a text by a foreign predictor.

        Parameters
        ----------
        name, text : str
        ask : Ask
        quality : {"fast", "best"}
            Linear pipelines are explained exactly either way. Any other predictor: "fast" leaves
            out one word at a time, "best" estimates Shapley values.

        Raises
        ------
        TooSlow, PredictionCancelled
            See `Ask`.
        TagifaiError
            The predictor fails.
        """
        predictor = self.predictor(name, ask)
        stamp = self.versions.predictors.stamp(name)
        exact = self._exact(name, predictor, text, ask)
        if exact is not None:
            return exact
        # "best" is as good as "fast" where it is known already.
        for known in ("best", quality):
            key = (name, text, known)
            if self._attributions.has(key, stamp):
                found: Attribution = self._attributions.get(key, stamp, _never)
                return found
        num_parts = len(split_parts(text))
        num_texts = num_parts + 2 if quality == "fast" else min(BUDGET, 2 ** min(num_parts, 20))
        ask.check(predictor, num_texts)
        explain = leave_one_out if quality == "fast" else estimate_shapley
        return self._attributions.get(
            (name, text, quality),
            stamp,
            lambda: explain(lambda texts: _send(predictor, texts, ask, num_texts), text),
        )

    def knows_reasons(self, name: str, text: str) -> bool:
        """Check whether a text was explained before, so that nothing is asked."""
        stamp = self.versions.predictors.stamp(name)
        return self._attributions.has((name, text, "best"), stamp)

    def embed(self, name: str, texts: Sequence[str], ask: Ask = PATIENT) -> Array:
        """Return embeddings of texts, (n_texts, n_dimensions).

        Raises
        ------
        TooSlow, PredictionCancelled
            See `Ask`.
        TagifaiError
            The predictor has none, or fails.
        """
        predictor = self.predictor(name, ask)
        ask.check(predictor, len(texts))
        return predictor.embed(texts, ask.progress, ask.cancelled)

    def send(self, name: str, texts: Sequence[str], ask: Ask = PATIENT) -> Array:
        """Return probabilities of texts that nobody will ask about again, (n_texts, n_tags)."""
        predictor = self.predictor(name, ask)
        ask.check(predictor, len(texts))
        return _send(predictor, texts, ask, len(texts))

    def decide(self, name: str, texts: Sequence[str], ask: Ask) -> Iterator[dict[str, set[str]]]:
        """Yield the tags of each text, in parts of about half a second: none of a blank text.

        Raises
        ------
        PredictionCancelled
            See `Ask`.
        TagifaiError
            The predictor fails.
        """
        predictor, version = self.predictor(name, ask), self.versions.load(name)
        tags = predictor.tags
        cuts = threshold_array(tags, {tag: version.threshold(tag) for tag in tags})
        yield {text: set() for text in texts if not text.strip()}
        sent = [text for text in texts if text.strip()]
        for start, prob in _parts(predictor, sent, ask, len(sent)):
            decided = decide(prob.astype(np.float32), cuts)
            yield {
                text: {tags[column] for column in np.flatnonzero(row)}
                for text, row in zip(sent[start:], decided, strict=False)
            }

    def texts_in(self, name: str, seconds: float, most: int) -> int:
        """Return how many texts a version is going to answer in some seconds, from 1 to `most`."""
        if self.is_own(name):
            return most
        predictor = self.versions.predictor(name)
        expected = predictor.expected_seconds(1)
        if expected is None:
            return min(_FIRST, most)
        many = predictor.expected_seconds(100) or 0.0
        return int(max(1, min(most, 100 * seconds / max(many, 1e-6))))

    def _probabilities(
        self, name: str, predictor: CheckedPredictor, texts: Sequence[str], ask: Ask
    ) -> Array:
        if len(texts) != 1:
            ask.check(predictor, len(texts))
            return _send(predictor, texts, ask, len(texts)) if texts else np.zeros((0, 1))
        key, stamp = (name, texts[0]), self.versions.predictors.stamp(name)
        if not self._answers.has(key, stamp):
            ask.check(predictor, 1)
        found: Array = self._answers.get(
            key, stamp, lambda: predictor.predict_proba(texts, ask.progress, ask.cancelled)
        )
        return found

    def _exact(
        self, name: str, predictor: CheckedPredictor, text: str, ask: Ask
    ) -> Attribution | None:
        stamp = self.versions.predictors.stamp(name)
        # In tuples, since None is a value too.
        pipeline: LinearPipeline | None = self._pipelines.get(
            name, stamp, lambda: (find_pipeline(predictor),)
        )[0]
        if pipeline is None:
            return None
        key = (name, text, "exact")
        if not self._attributions.has(key, stamp):
            ask.check(predictor, 1)
        found: Attribution | None = self._attributions.get(
            key,
            stamp,
            lambda: (
                explain_linear(pipeline, lambda texts: _send(predictor, texts, ask, 1), text),
            ),
        )[0]
        return found


def _send(predictor: CheckedPredictor, texts: Sequence[str], ask: Ask, num_texts: int) -> Array:
    parts = [part for _, part in _parts(predictor, texts, ask, num_texts)]
    return np.concatenate(parts) if parts else np.zeros((0, len(predictor.tags)))


def _parts(
    predictor: CheckedPredictor, texts: Sequence[str], ask: Ask, num_texts: int
) -> Iterator[tuple[int, Array]]:
    """Ask about texts in parts of about half a second, so that progress moves.

    Yield the number of each part's first text, and its probabilities.
    """
    start = 0
    while start < len(texts):
        if ask.cancelled is not None and ask.cancelled():
            raise PredictionCancelled(f"predictor {predictor.name}: cancelled")
        size = _FIRST
        if (expected := predictor.expected_seconds(100)) is not None:
            size = int(max(1, min(len(texts), 100 * _STEP / max(expected, 1e-6))))
        part = texts[start : start + size]
        found = predictor.predict_proba(part, None, ask.cancelled, np.float64)
        if ask.progress is not None:
            ask.progress(start + len(part), max(num_texts, len(texts)), "texts")
        yield start, found
        start += len(part)


def _never() -> Attribution:
    raise TooSlow("it was forgotten just now")
