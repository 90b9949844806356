"""A predictor, estimator or function of a Python module: `python:MODULE:NAME`."""

import inspect
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

import msgspec

from tagifai.errors import TagifaiError, shorten
from tagifai.models.adapters.columns import ChosenColumns
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor import Predictor, check_tags
from tagifai.models.predictor_spec import PredictorSpec

INSTALL = "install the module's own package"


class Options(msgspec.Struct, frozen=True):
    """There is nothing to choose: the module does that."""


class FunctionPredictor:
    """A function from texts to probabilities (n_texts, n_tags)."""

    def __init__(self, function: Callable[[Sequence[str]], object], tags: Sequence[str]) -> None:
        self.function = function
        self.tags = tuple(tags)

    def predict_proba(self, texts: Sequence[str]) -> object:
        """Return what the function returns."""
        return self.function(texts)


def load(spec: PredictorSpec, options: object, context: LoadContext) -> Predictor:
    """Import a module, which runs it, and take a name from it.

    Modules of the folder that the program was started in are found too.

    Raises
    ------
    TagifaiError
        No such module or name, an error while it ran, or nothing that predicts.
    """
    where = f"predictor {spec}"
    module, _, name = spec.source.partition(":")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        found: object = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise TagifaiError(f"{where}: {shorten(str(error), 200)}") from None
    except ModuleNotFoundError as error:
        raise TagifaiError(
            f"{where}: no module {error.name!r}; looked in {here} and among installed packages"
        ) from None
    except Exception as error:  # the module's own code
        what = shorten(f"{type(error).__name__}: {error}", 200)
        raise TagifaiError(f"{where}: importing {module} raised {what}") from None
    finally:
        if added and here in sys.path:
            sys.path.remove(here)
    return wrap(found, context, where)


def wrap(found: object, context: LoadContext, where: str) -> Predictor:
    """Return an object as a predictor: a predictor itself, an estimator, a function, a factory.

    Raises
    ------
    TagifaiError
        It is none of these, or its tags are not known.
    """
    if inspect.isclass(found) or _takes_nothing(found):
        try:
            found = cast(Callable[[], object], found)()
        except Exception as error:  # code of the person's own
            what = shorten(f"{type(error).__name__}: {error}", 200)
            raise TagifaiError(f"{where}: making it raised {what}") from None
    ours = _classifier(found)
    if ours is not None:
        return ours
    tags = getattr(found, "tags", None)
    if tags is not None and callable(getattr(found, "predict_proba", None)):
        own = check_tags(tags, where)
        if context.tag_map:
            return ChosenColumns(cast(Predictor, found), context.rename(own, where))
        return cast(Predictor, found)
    if _is_estimator(found):
        from tagifai.models.adapters.sklearn import SklearnPredictor

        return SklearnPredictor(found, context, where)
    if callable(getattr(found, "predict_proba", None)):
        found = cast(Predictor, found).predict_proba
    if not callable(found):
        raise TagifaiError(
            f"{where}: a {type(found).__name__} cannot predict; a predictor has `tags` and "
            "`predict_proba(texts)`, and a function takes texts and returns probabilities"
        )
    names = check_tags(tags, where) if tags is not None else None
    return FunctionPredictor(found, context.name_columns(names, None, where))


def _classifier(found: object) -> Predictor | None:
    if type(found).__module__ != "tagifai.models.classifier":
        return None
    from tagifai.models.adapters.own import OwnPredictor
    from tagifai.models.classifier import TagClassifier

    assert isinstance(found, TagClassifier)
    return OwnPredictor(found)


def _is_estimator(found: object) -> bool:
    if "sklearn" not in sys.modules:
        return False
    from sklearn.base import BaseEstimator

    return isinstance(found, BaseEstimator)


def _takes_nothing(found: object) -> bool:
    """Check for a function without parameters, which makes a predictor."""
    if not inspect.isroutine(found):
        return False
    try:
        return not inspect.signature(found).parameters
    except (TypeError, ValueError):
        return False
