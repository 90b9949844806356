"""Hyperparameters: every modelling choice is one flat, validated field."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.text.languages import DEFAULT_LANGUAGE, find_language
from tagifai.text.preprocessing import FILTERS

CHOICES: dict[str, tuple[str | None, ...]] = {
    "aliases": ("none", "exact", "fuzzy"),
    "estimator": ("logistic", "svc"),
    "class_weight": (None, "balanced"),
    "calibration": ("none", "platt"),
    "thresholds": ("fixed", "common", "per-tag"),
}
RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 2**32 - 1),
    "min_tag_freq": (1, 1_000_000),
    "train_size": (0.05, 0.95),
    "val_size": (0.0, 0.9),
    "word_ngrams": (0, 5),
    "char_ngrams": (0, 8),
    "min_df": (1, 1_000),
    "alias_weight": (0.0, 100.0),
    "C": (1e-6, 1e6),
    "ratio_c": (1e-6, 1e6),
    "ratio_smoothing": (1e-6, 1e3),
    "folds": (2, 50),
    "threshold": (0.0, 1.0),
    "threshold_shrinkage": (0.0, 1e6),
    "threshold_smoothing": (0.0, 1.0),
    "tolerance": (1e-8, 1.0),
    "prune": (0.0, 10.0),
}

OptionalFloat = float | None
ParamValue: TypeAlias = str | float | bool | None
_FLOATS = (float, OptionalFloat)
_NUMBERS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    OptionalFloat: "a number or none",
}


@dataclass(frozen=True, slots=True)
class Params:
    """What a version is made by; two versions differ by these, never by code.

    Raises
    ------
    TagifaiError
        A value is of the wrong type, out of its range, or contradicts another.
    """

    seed: int = 0
    min_tag_freq: int = 30
    """Tags of fewer projects are not learned."""
    lower: bool = True
    stem: bool = False
    filters: str = FILTERS
    stopwords: bool = True
    """Leave out the stopwords of the language."""
    language: str = DEFAULT_LANGUAGE
    """Its casing, stopwords and stems are used: a name or an ISO 639 code, stored as the name."""
    train_size: float = 0.7
    val_size: float = 0.15
    """The rest is test."""
    word_ngrams: int = 2
    """The longest run of words that is a feature; 0: none."""
    char_ngrams: int = 5
    """The longest run of characters within a word that is a feature, from 2; 0: none."""
    min_df: int = 1
    """The fewest projects that a feature occurs in."""
    aliases: str = "fuzzy"
    """Flags from tags' names and aliases: "none", "exact", or "fuzzy" (misspelt ones too)."""
    alias_weight: float = 0.2
    abbreviations: bool = True
    """Read an alias that abbreviates a tag's name, such as "CNN", as that name."""
    estimator: str = "svc"
    C: float = 0.3
    class_weight: str | None = None
    log_count_ratio: bool = True
    """Average with a twin that learns from features scaled by their log-count ratio."""
    ratio_c: float = 0.1
    ratio_smoothing: float = 0.1
    folds: int = 5
    """Folds of the out-of-fold scores that calibration and thresholds are fitted to."""
    calibration: str = "platt"
    thresholds: str = "per-tag"
    threshold: float = 0.5
    """The probability used with thresholds "fixed"."""
    threshold_shrinkage: float | None = None
    """The positives with which a tag's own threshold weighs as much as the common one; null: chosen
    by cross-fitting."""
    threshold_smoothing: float = 0.75
    """When thresholds are chosen: the share of each label that its probability replaces, if
    calibrated."""
    tolerance: float = 1e-4
    """How exactly the linear models are fitted: where their solver stops."""
    prune: float = 0.0
    """Weights below it are left out, so that the model is small; 0: all are stored."""

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, field.type, getattr(self, field.name))
        object.__setattr__(self, "language", find_language(self.language))
        if not self.word_ngrams and not self.char_ngrams and self.aliases == "none":
            raise TagifaiError("word_ngrams 0, char_ngrams 0 and aliases 'none' leave no feature")
        if self.char_ngrams == 1:
            raise TagifaiError("char_ngrams must be 0 or 2 and more, got 1")
        if self.train_size + self.val_size > 0.97:
            raise TagifaiError(
                f"train_size {self.train_size} and val_size {self.val_size} leave less than "
                f"0.03 for test"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> "Params":
        """Return params with the given values; the others keep their defaults.

        Raises
        ------
        TagifaiError
            An unknown name (with the nearest known one) or a bad value.

        Examples
        --------
        >>> Params.from_dict({"C": 10}).C
        10.0
        >>> Params.from_dict({"min_tag_frq": 30})
        Traceback (most recent call last):
        tagifai.errors.TagifaiError: unknown parameter ...
        """
        return Params().replaced(values)

    def replaced(self, values: Mapping[str, object]) -> "Params":
        """Return params with the given values changed; an integer serves as a float.

        Raises
        ------
        TagifaiError
            An unknown name (with the nearest known one) or a bad value.
        """
        types = {field.name: field.type for field in fields(self)}
        for name in values:
            if name not in types:
                raise one_of("parameter", name, types)
        changed: dict[str, Any] = {
            name: float(value) if types[name] in _FLOATS and type(value) is int else value
            for name, value in values.items()
        }
        return replace(self, **changed)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields in their order, ready for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def parse_value(name: str, text: str) -> ParamValue:
    """Read a parameter's value from the text of a command line.

    Raises
    ------
    TagifaiError
        An unknown name, or a text that is not of the field's type.

    Examples
    --------
    >>> parse_value("C", "0.5"), parse_value("stem", "true"), parse_value("class_weight", "none")
    (0.5, True, None)
    >>> parse_value("threshold_shrinkage", "none"), parse_value("threshold_shrinkage", "30")
    (None, 30.0)
    """
    types = {field.name: field.type for field in fields(Params)}
    if name not in types:
        raise one_of("parameter", name, types)
    kind = types[name]
    if name in CHOICES:
        return None if text.lower() == "none" and None in CHOICES[name] else text
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise TagifaiError(f"{name}: true or false is needed, got {shorten(text)!r}")
        return text.lower() == "true"
    if kind in _NUMBERS:
        if kind == OptionalFloat and text.lower() == "none":
            return None
        try:
            return int(text) if kind is int else float(text)
        except ValueError:
            raise TagifaiError(
                f"{name}: {_NUMBERS[kind]} is needed, got {shorten(text)!r}"
            ) from None
    return text


def _check(name: str, kind: object, value: object) -> None:
    received = f"got {shorten(repr(value))}"
    if name in CHOICES:
        if value not in CHOICES[name]:
            allowed = ", ".join(repr(choice) for choice in CHOICES[name])
            raise TagifaiError(f"{name}: one of {allowed} is needed, {received}")
        return
    if kind == OptionalFloat and value is None:
        return
    if type(value) is not (float if kind == OptionalFloat else kind):
        needed = {bool: "true or false", str: "a text", **_NUMBERS}
        raise TagifaiError(f"{name}: {needed[kind]} is needed, {received}")
    if name in RANGES and isinstance(value, int | float):
        low, high = RANGES[name]
        if not math.isfinite(value) or not low <= value <= high:
            raise TagifaiError(f"{name}: a number from {low:g} to {high:g} is needed, {received}")
