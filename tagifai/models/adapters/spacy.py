"""A spaCy pipeline with a text categorizer: `spacy:FOLDER`."""

from collections.abc import Sequence
from configparser import Error as ConfigError
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from tagifai.arrays import Array
from tagifai.errors import TagifaiError, install_command, shorten
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor_spec import PredictorSpec

if TYPE_CHECKING:
    from spacy.language import Language

INSTALL = install_command("spacy")
CATEGORIZERS = ("textcat_multilabel", "textcat")
# What a categorizer may listen to; other components only cost time.
_NEEDED = ("tok2vec", "transformer", "curated_transformer", *CATEGORIZERS)
MAX_CONFIG = 2**20


class Options(msgspec.Struct, frozen=True):
    """How a pipeline is run.

    Attributes
    ----------
    batch_size : int
        The most texts of a run.
    """

    batch_size: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64


class SpacyPredictor:
    """A pipeline whose categories are the tags."""

    def __init__(
        self, nlp: "Language", names: Sequence[str], options: Options, context: LoadContext,
        where: str,
    ) -> None:  # fmt: skip
        self._nlp, self._rows = nlp, options.batch_size
        self._columns = [
            str(label) for name in names for label in getattr(nlp.get_pipe(name), "labels", ())
        ]
        if not self._columns:
            raise TagifaiError(f"{where}: its text categorizer has no labels; was it trained?")
        self.tags = context.name_columns(self._columns, len(self._columns), where)
        exclusive = [name for name in names if nlp.get_pipe_meta(name).factory == "textcat"]
        self.warnings = (
            (
                f"{exclusive[0]} is a textcat, whose categories exclude each other: probabilities "
                "sum to 1; for several tags a text, train a textcat_multilabel",
            )
            if exclusive
            else ()
        )

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return probabilities, (n_texts, n_tags)."""
        # spaCy refuses longer texts than that. Without any token its answer hangs on whether
        # other texts are beside it; a space is a token.
        short = (text[: self._nlp.max_length] or " " for text in texts)
        docs = self._nlp.pipe(short, batch_size=self._rows)
        rows = [[doc.cats.get(label, 0.0) for label in self._columns] for doc in docs]
        return np.array(rows, np.float64).reshape(len(rows), len(self._columns))


def load(spec: PredictorSpec, options: Options, context: LoadContext) -> SpacyPredictor:
    """Load a pipeline from a folder; a package's name, which would be imported, is not taken.

    Raises
    ------
    TagifaiError
        No such folder, no text categorizer, a damaged one, or callbacks in its configuration.
    """
    where = f"predictor {spec}"
    folder = context.path_of(spec)
    if not (folder / "config.cfg").is_file():
        raise TagifaiError(f"{where}: {folder}: no config.cfg, so no pipeline of spaCy")
    import spacy

    names, others = _components(folder, where)
    try:
        nlp = spacy.load(folder, exclude=others)
    except (ImportError, TagifaiError):
        raise
    except Exception as error:  # a damaged model fails in as many ways as it has files
        what = shorten(" ".join(str(error).split()) or type(error).__name__, 240)
        raise TagifaiError(f"{where}: cannot be loaded ({what})") from None
    return SpacyPredictor(nlp, names, options, context, where)


def _components(folder: Path, where: str) -> tuple[list[str], list[str]]:
    """Return the names of the categorizers, and of what is left out.

    Raises
    ------
    TagifaiError
        No config.cfg, no categorizer, or callbacks, which run functions while it is loaded.
    """
    from spacy.util import load_config

    path = folder / "config.cfg"
    try:
        if path.stat().st_size > MAX_CONFIG:
            raise TagifaiError(f"{where}: config.cfg: more than {MAX_CONFIG:,} bytes")
        config = load_config(path, interpolate=False)
        pipeline = [str(name) for name in config["nlp"]["pipeline"]]
        factories = {name: str(config["components"][name].get("factory", "")) for name in pipeline}
    except (OSError, UnicodeDecodeError, ConfigError, ValueError, KeyError, TypeError) as error:
        what = shorten(" ".join(str(error).split()) or type(error).__name__, 200)
        raise TagifaiError(f"{where}: {path}: no pipeline of spaCy ({what})") from None
    for moment in ("before_creation", "after_creation", "after_pipeline_creation"):
        if config["nlp"].get(moment):
            raise TagifaiError(f"{where}: config.cfg has a callback ({moment}), which is not run")
    names = [name for name, factory in factories.items() if factory in CATEGORIZERS]
    if not names:
        raise TagifaiError(
            f"{where}: no {CATEGORIZERS[0]} in its pipeline ({', '.join(pipeline) or 'empty'})"
        )
    return names, [name for name, factory in factories.items() if factory not in _NEEDED]
