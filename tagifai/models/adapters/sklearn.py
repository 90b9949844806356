"""Any fitted estimator or pipeline of scikit-learn that takes texts: `sklearn:FILE.skops`."""

from collections.abc import Callable, Sequence, Set
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np

from tagifai.arrays import Array
from tagifai.errors import TagifaiError, counted, shorten
from tagifai.models.adapters.loading import LoadContext, sigmoid
from tagifai.models.linear_layer import MAX_DIMENSIONS, LinearLayer, find_linear, is_logistic
from tagifai.models.predictor_spec import PredictorSpec

INSTALL = "pip install scikit-learn skops"
_PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle")
# What one-vs-rest keeps for a tag that all projects have, or none; it holds an array alone.
_HARMLESS = frozenset({"sklearn.multiclass._ConstantPredictor"})
_METHODS = ("predict_proba", "decision_function", "predict")


class Options(msgspec.Struct, frozen=True):
    """How the estimator takes its texts.

    Attributes
    ----------
    column : str
        The column of a DataFrame that holds the texts; "" for a plain list of texts.
    """

    column: str = ""


class SklearnPredictor:
    """A fitted estimator, whose answers become probabilities (n_texts, n_tags).

    Parameters
    ----------
    estimator : object
        Fitted, with `predict_proba`, `decision_function` or `predict`.
    context : LoadContext
        Names of the columns, where the estimator only numbers them.
    where : str
        What messages start with.
    column : str
        As in `Options`.
    features : callable, optional
        What turns texts into what the estimator takes.

    Raises
    ------
    TagifaiError
        It cannot predict, or nobody knows its tags.
    """

    concurrency = 4

    def __init__(
        self,
        estimator: object,
        context: LoadContext,
        where: str,
        column: str = "",
        features: Callable[[Sequence[str]], object] | None = None,
    ) -> None:
        # A search asks the best that it found, which may be a pipeline that can be explained.
        self.estimator = estimator = getattr(estimator, "best_estimator_", estimator)
        self.column = column
        self._features = features
        self._where = where
        method = next((name for name in _METHODS if hasattr(estimator, name)), None)
        if method is None:
            raise TagifaiError(
                f"{where}: a {type(estimator).__name__} has none of {', '.join(_METHODS)}"
            )
        self.method = method
        self.decisions_only = method == "predict"
        names, count = _columns(estimator)
        binary = count == 2 and len(context.tags) == 1
        if binary:
            names, count = None, 1
        elif names is None and context.tags:
            # Not all that call their columns by numbers count them right.
            count = self._count_columns(len(context.tags))
        self.tags = context.name_columns(names, count, where)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the person should know about these probabilities."""
        if self.method == "predict_proba":
            return ()
        if self.decisions_only:
            return ("the estimator only decides: probabilities are 0 or 1",)
        return (
            "probabilities are the sigmoid of decision_function: in the right order for each tag, "
            "but not calibrated",
        )

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return probabilities, (n_texts, n_tags)."""
        return self._scores(texts, len(self.tags))

    @property
    def embed(self) -> Callable[[Sequence[str]], Array] | None:
        """The features that a linear last step reads, (n_texts, n_dimensions), where it has one."""
        return self._embed if self.linear_layer is not None else None

    @cached_property
    def linear_layer(self) -> LinearLayer | None:
        """The last step, where it is a logistic regression for each tag on few features."""
        classifier = self._steps[-1]
        if len(self._steps) == 1 and self._features is None:
            return None  # nothing is known of how it reads texts
        found = find_linear(classifier, self.method) if is_logistic(classifier) else None
        if found is None or len(found[0]) > MAX_DIMENSIONS or len(found[1]) != len(self.tags):
            return None
        return LinearLayer(found[0].T, found[1])

    @property
    def _steps(self) -> list[object]:
        steps = getattr(self.estimator, "steps", None)
        return [step for _, step in steps] if steps else [self.estimator]

    def _embed(self, texts: Sequence[str]) -> Array:
        features: object = self._as_input(texts)
        if len(self._steps) > 1:
            features = self.estimator[:-1].transform(features)  # type: ignore[index]
        dense = getattr(features, "toarray", None)
        return np.asarray(dense() if callable(dense) else features)

    def _count_columns(self, expected: int) -> int:
        try:
            return int(self._scores(["text"], expected).shape[1])
        except TagifaiError:
            raise
        except Exception as error:  # code of the estimator's own
            what = shorten(" ".join(f"{type(error).__name__}: {error}".split()), 200)
            raise TagifaiError(f"{self._where}: predicting a text raised {what}") from None

    def _scores(self, texts: Sequence[str], num_tags: int) -> Array:
        answer = getattr(self.estimator, self.method)(self._as_input(texts))
        if isinstance(answer, list):
            classes = getattr(self.estimator, "classes_", [None] * len(answer))
            names = [None if known is None else np.asarray(known).tolist() for known in classes]
            # What the other outputs call yes, where one of them has but one class.
            yes = {1, *(known[1] for known in names if known and len(known) == 2)}
            parts = zip(answer, names, strict=True)
            return np.column_stack([_positive(part, known, yes) for part, known in parts])
        dense = answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)
        if self.method == "predict_proba":
            if dense.ndim == 2 and dense.shape[1] == 2 and num_tags == 1:
                return _positive(dense, getattr(self.estimator, "classes_", None), {1})[:, None]
            return dense
        if self.method == "decision_function":
            dense = sigmoid(dense)
        if dense.ndim == 1:
            dense = self._of_one_label(dense, num_tags)
        return dense

    def _of_one_label(self, values: Array, num_tags: int) -> Array:
        """Return columns for one value a text: a margin, a decision, or the name of a class."""
        classes = getattr(self.estimator, "classes_", None)
        if self.method == "predict" and classes is not None and num_tags > 1:
            return np.asarray(values)[:, None] == np.asarray(classes)[None, :]
        if self.method == "predict" and classes is not None and num_tags == 1:
            return (np.asarray(values) == np.asarray(classes)[-1])[:, None]
        return np.column_stack([1 - values, values]) if num_tags == 2 else values[:, None]

    def _as_input(self, texts: Sequence[str]) -> object:
        if self._features is not None:
            return self._features(texts)
        if not self.column:
            return list(texts)
        import pandas as pd

        return pd.DataFrame({self.column: list(texts)})


def load(spec: PredictorSpec, options: Options, context: LoadContext) -> SklearnPredictor:
    """Load a pipeline from a skops file; only types that skops knows or the person confirmed.

    Raises
    ------
    TagifaiError
        A pickle, a damaged file, types that nobody confirmed, or an estimator that is not fitted.
    """
    path = context.path_of(spec)
    estimator = read_estimator(path, context)
    return SklearnPredictor(estimator, context, f"predictor {spec}", options.column)


def read_estimator(path: Path, context: LoadContext) -> object:
    """Read a fitted estimator from a skops file, as `load` does."""
    import skops.io

    from tagifai.models.persistence import read_archive

    if path.suffix.lower() in _PICKLES:
        raise TagifaiError(
            f"{path}: a pickle can run any program when it is loaded, so it is not; where you "
            "made it, write `skops.io.dump(pipeline, 'model.skops')` and use that file"
        )
    data = read_archive(path, context.limits)
    try:
        trusted = context.allowed.types | _HARMLESS
        unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - trusted)
        if unknown:
            raise TagifaiError(
                f"{path}: holds {counted(len(unknown), 'type')} that skops does not know: "
                f"{shorten(', '.join(unknown), 600)}; if you know who made "
                f"the file, confirm each of them: --allow-predictor type:{shorten(unknown[0])}"
            )
        loaded: object = skops.io.loads(data, trusted=sorted(trusted))
    except TagifaiError:
        raise
    except RecursionError:
        raise TagifaiError(f"{path}: nested too deeply to be read") from None
    except Exception as error:  # a damaged archive fails in as many ways as it has bytes
        what = shorten(f"{type(error).__name__}: {error}", 200)
        raise TagifaiError(f"{path}: not a model that can be read ({what})") from None
    _check_fitted(loaded, path)
    return loaded


def _check_fitted(loaded: object, path: Path) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(loaded)
    except NotFittedError:
        raise TagifaiError(f"{path}: the model in it was never fitted") from None
    except TypeError:
        raise TagifaiError(
            f"{path}: a fitted estimator is needed, got {type(loaded).__name__}"
        ) from None


def _columns(estimator: object) -> tuple[list[object] | None, int | None]:
    """Return what an estimator calls its columns, None for mere numbers, and how many it has."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return None, None
    if isinstance(classes, list):  # of each output
        return None, len(classes)
    names = list(np.asarray(classes).ravel().tolist())
    if any(isinstance(name, str) for name in names):
        return names, len(names)
    return None, len(names)


def _positive(part: object, classes: object, yes: Set[object]) -> Array:
    """Return the probability of the positive class of one output, (n_texts,)."""
    array = np.asarray(part)
    if array.ndim == 1:
        return array
    if classes is None:
        return array[:, -1]
    known = np.asarray(classes).tolist()
    if len(known) == 1:  # a label that was always there, or never
        return array[:, 0] if known[0] in yes else np.zeros(len(array))
    if len(known) > 2:
        raise TagifaiError(
            f"an output has {len(known)} classes ({shorten(str(known))}); each tag is a yes or no"
        )
    return array[:, 1]
