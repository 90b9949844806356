"""Predictors of other frameworks: one module for each kind, imported when it is used."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import cast

import msgspec

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.models.adapters.loading import LoadContext, left_out
from tagifai.models.predictor import Predictor
from tagifai.models.predictor_spec import KINDS, PredictorSpec, check_spec

MODULES: Mapping[str, str] = {kind: f"tagifai.models.adapters.{kind}" for kind in KINDS}


def load_predictor(spec: PredictorSpec, context: LoadContext | None = None) -> Predictor:
    """Load a predictor of any kind.

    Parameters
    ----------
    spec : PredictorSpec
        From `parse_predictor`, or from a version's `predictor.json`.
    context : LoadContext, optional
        What the person allows and knows.

    Raises
    ------
    TagifaiError
        It is not allowed, not there, damaged, needs a package that is not installed, or knows
        no names of tags.
    """
    context = context or LoadContext()
    check_spec(spec)
    context.allowed.check(spec)
    options = read_options(spec)
    module = import_module(MODULES[spec.kind])
    load = cast(Callable[[PredictorSpec, object, LoadContext], Predictor], module.load)
    try:
        predictor = load(spec, options, context)
    except ImportError as error:
        package = shorten(str(error.name or error))
        raise TagifaiError(
            f"predictor {spec}: the package {package!r} is needed: {module.INSTALL}"
        ) from None
    return _without_left_out(predictor, context)


def _without_left_out(predictor: Predictor, context: LoadContext) -> Predictor:
    """Take away the columns that the map leaves out."""
    dropped = {left_out(name) for name, tag in context.tag_map.items() if tag is None}
    if not dropped:
        return predictor
    from tagifai.models.adapters.columns import ChosenColumns

    return ChosenColumns(predictor, [None if tag in dropped else tag for tag in predictor.tags])


def read_options(spec: PredictorSpec) -> object:
    """Read the options of a predictor as those of its kind.

    Raises
    ------
    TagifaiError
        An option that the kind does not have, or a value of another type or out of range.
    """
    if spec.kind not in KINDS:
        raise one_of("kind of predictor", spec.kind, KINDS)
    kind = cast(type[msgspec.Struct], import_module(MODULES[spec.kind]).Options)
    unknown = spec.options.keys() - set(kind.__struct_fields__)
    if unknown:
        raise one_of(f"option of {spec.kind}", min(unknown), kind.__struct_fields__)
    try:
        return msgspec.convert(dict(spec.options), kind)
    except msgspec.ValidationError as error:
        raise TagifaiError(f"options of {spec.kind}: {shorten(str(error), 200)}") from None


def as_predictor(
    found: object, tags: Sequence[str] = (), context: LoadContext | None = None
) -> Predictor:
    """Return an object of this process as a predictor.

    Parameters
    ----------
    found : object
        A predictor, a fitted estimator of scikit-learn that takes texts, or a function from texts
        to probabilities.
    tags : sequence of str
        The names of the columns, where the object does not know them.

    Raises
    ------
    TagifaiError
        It is none of these, or nobody knows its tags.
    """
    from tagifai.models.adapters.python import wrap

    context = context or LoadContext()
    if tags:
        context = context.with_tags(tags)
    return _without_left_out(wrap(found, context, type(found).__name__), context)
