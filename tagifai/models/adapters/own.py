"""Our own classifier, as one predictor among others: `own:FILE.skops`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tagifai.arrays import Array
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor_spec import PredictorSpec

if TYPE_CHECKING:
    from tagifai.models.classifier import TagClassifier

INSTALL = "pip install scikit-learn skops"


class Options(msgspec.Struct, frozen=True):
    """There is nothing to choose."""


class OwnPredictor:
    """A `TagClassifier`, which knows its tags, its thresholds and how it reads a text."""

    concurrency = 8

    def __init__(self, classifier: "TagClassifier", tags: Sequence[str] = ()) -> None:
        self.classifier = classifier
        self.tags = tuple(tags or classifier.tags)

    @property
    def thresholds(self) -> dict[str, float]:
        """The thresholds that were chosen when it was trained."""
        return dict(zip(self.tags, self.classifier.thresholds_.tolist(), strict=True))

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return probabilities, float32 (n_texts, n_tags)."""
        return self.classifier.predict_proba(texts)

    def preprocess(self, text: str) -> str:
        """Return the text as the model reads it."""
        prepared: Sequence[str] = [text]
        *steps, _ = self.classifier.features_.steps
        for _, step in steps:
            prepared = step.transform(prepared)
        return str(next(iter(prepared)))


def load(spec: PredictorSpec, options: object, context: LoadContext) -> OwnPredictor:
    """Load a model that `tagifai train` made."""
    from tagifai.models.persistence import load_model

    classifier = load_model(context.path_of(spec), context.limits)
    return OwnPredictor(
        classifier,
        context.name_columns(classifier.tags, len(classifier.tags), f"predictor {spec}"),
    )
