"""A SetFit model: sentence embeddings and a head of scikit-learn: `setfit:FOLDER_OR_HUB_NAME`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from tagifai.arrays import Array
from tagifai.errors import TagifaiError, install_command, one_of, shorten
from tagifai.models.adapters.hub import folder_of
from tagifai.models.adapters.loading import LoadContext, read_json
from tagifai.models.adapters.sklearn import SklearnPredictor, read_estimator
from tagifai.models.linear_layer import LinearLayer
from tagifai.models.predictor_spec import PredictorSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

INSTALL = install_command("setfit")
HEAD, PICKLED_HEAD = "model_head.skops", "model_head.pkl"
# What SetFit's own modules are; others would be any class of any package.
_MODULES = "sentence_transformers."


class Options(msgspec.Struct, frozen=True):
    """How a model is run.

    Attributes
    ----------
    batch_size : int
        The most texts of a run.
    """

    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32


class SetFitPredictor:
    """A sentence transformer and the head that SetFit fitted to its embeddings."""

    def __init__(
        self,
        body: "SentenceTransformer",
        head: object,
        normalize: bool,
        labels: Sequence[str] | None,
        options: Options,
        context: LoadContext,
        where: str,
    ) -> None:
        self._body, self._normalize, self._rows = body, normalize, options.batch_size
        if labels and not context.tags:
            context = context.with_tags(labels)
        self.head = SklearnPredictor(head, context, where, features=self.embed)
        self.tags = self.head.tags
        self.decisions_only = self.head.decisions_only

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the person should know about these probabilities."""
        return self.head.warnings

    @property
    def linear_layer(self) -> LinearLayer | None:
        """The head, where it is a logistic regression for each tag."""
        return self.head.linear_layer

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return probabilities, (n_texts, n_tags)."""
        return self.head.predict_proba(texts)

    def embed(self, texts: Sequence[str]) -> Array:
        """Return the embeddings that the head reads, (n_texts, n_dimensions)."""
        found = self._body.encode(
            list(texts),
            batch_size=self._rows,
            normalize_embeddings=self._normalize,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(found)


def load(spec: PredictorSpec, options: Options, context: LoadContext) -> SetFitPredictor:
    """Load the body from safetensors and the head from skops.

    SetFit itself writes a pickled head, which can run any program, so it is only loaded where
    the person allows this very model.

    Raises
    ------
    TagifaiError
        Not there, damaged, a pickled head that is not allowed, or modules of other packages.
    """
    where = f"predictor {spec}"
    folder = folder_of(spec, context)
    _check_modules(folder, where)
    from sentence_transformers import SentenceTransformer

    head = _load_head(folder, spec, context, where)
    found = read_json(folder / "config_setfit.json")
    config = found if isinstance(found, dict) else {}
    labels = config.get("labels")
    try:
        body = SentenceTransformer(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (ImportError, TagifaiError):
        raise
    except Exception as error:  # a damaged model fails in as many ways as it has files
        what = shorten(" ".join(str(error).split()) or type(error).__name__, 240)
        raise TagifaiError(f"{where}: cannot be loaded ({what})") from None
    names = [str(label) for label in labels] if isinstance(labels, list) and labels else None
    normalize = bool(config.get("normalize_embeddings", False))
    return SetFitPredictor(body, head, normalize, names, options, context, where)


def _check_modules(folder: Path, where: str) -> None:
    modules = read_json(folder / "modules.json")
    if not isinstance(modules, list):
        raise TagifaiError(f"{where}: {folder}: no modules.json, so no sentence transformer")
    for module in modules:
        kind = str(module.get("type", "")) if isinstance(module, dict) else ""
        path = str(module.get("path", "")) if isinstance(module, dict) else ""
        if not kind.startswith(_MODULES):
            raise TagifaiError(f"{where}: modules.json: {one_of('module', kind, [_MODULES + '…'])}")
        if not (folder / path).resolve().is_relative_to(folder.resolve()):
            raise TagifaiError(f"{where}: modules.json: {shorten(path)!r} leaves the folder")


def _load_head(folder: Path, spec: PredictorSpec, context: LoadContext, where: str) -> object:
    if (folder / HEAD).is_file():
        return read_estimator(folder / HEAD, context)
    pickled = folder / PICKLED_HEAD
    if not pickled.is_file():
        raise TagifaiError(f"{where}: neither {HEAD} nor {PICKLED_HEAD} in {folder}")
    # In a version's folder, the same relative path may be another stranger's model.
    spec = spec if context.is_typed else PredictorSpec(spec.kind, str(folder))
    if not context.allowed.permits(spec):
        raise TagifaiError(
            f"{where}: its head is a pickle, which can run any program when it is loaded; where "
            f"you made it, write `skops.io.dump(model.model_head, '{HEAD}')` into its folder, or "
            f"allow it: --allow-predictor '{spec}'"
        )
    import joblib

    try:
        head: object = joblib.load(pickled)
    except Exception as error:  # a pickle fails in as many ways as there are programs
        what = shorten(f"{type(error).__name__}: {error}")
        raise TagifaiError(f"{where}: {PICKLED_HEAD}: cannot be read ({what})") from None
    return head
