"""Read and check a version's JSON files: one validator for each kind of file."""

import math
from collections.abc import Mapping
from typing import Any

import orjson

from tagifai.errors import TagifaiError, shorten
from tagifai.predictions import OUT_OF_FOLD

MAX_PARAMS = 1_000_000
_FRACTIONS = ("precision", "recall", "f1")
_OLD_NAMES = {"behavioral_report": "behavioral"}
_GROUPS = ("overall", "class", "slices", "behavioral")
JsonObject = dict[str, object]


def parse_object(content: bytes, where: str) -> JsonObject:
    """Read a file that holds one JSON object, such as `params.json`.

    Raises
    ------
    TagifaiError
        Not JSON, or something else than an object; the message starts with `where`.
    """
    try:
        found = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise TagifaiError(f"{where}: not JSON: {shorten(str(error), 200)}") from None
    return _object(found, where, "")


def parse_params(content: bytes, where: str = "params.json") -> JsonObject:
    """Read params.json, which the page and the endpoints show as a whole.

    Raises
    ------
    TagifaiError
        Not an object, or larger than parameters are; the message starts with `where`.
    """
    if len(content) > MAX_PARAMS:
        raise TagifaiError(
            f"{where}: {len(content):,} bytes; at most {MAX_PARAMS:,} of parameters are read"
        )
    return parse_object(content, where)


def parse_info(content: bytes, where: str = "version.json") -> JsonObject:
    """Read version.json; unknown fields are left as they are.

    Raises
    ------
    TagifaiError
        Not an object, or `out_of_fold` is not one of its values; the message starts with `where`.
    """
    found = parse_object(content, where)
    if (stated := found.get("out_of_fold", OUT_OF_FOLD[0])) not in OUT_OF_FOLD:
        raise _wrong(where, "out_of_fold", f"one of {', '.join(OUT_OF_FOLD)}", stated)
    return found


def parse_thresholds(content: bytes, where: str = "thresholds.json") -> dict[str, float]:
    """Read thresholds.json: by tag, the probability from which it is predicted.

    Raises
    ------
    TagifaiError
        Not an object, or a value outside [0, 1]; the message starts with `where`.
    """
    thresholds = {}
    for tag, value in parse_object(content, where).items():
        threshold = as_fraction(value)
        if threshold is None:
            raise _wrong(where, repr(tag), "a number between 0 and 1", value)
        thresholds[tag] = threshold
    return thresholds


def parse_performance(content: bytes, where: str = "performance.json") -> dict[str, Any]:
    """Read performance.json in its present shape or an older one; return the present one.

    "behavioral_report" is read as "behavioral". Slices given by name are put under "class", and
    their missing "overall" is their average weighted by num_samples. null stands for an undefined
    figure; older versions wrote 0, which becomes null where the counts beside it show that it is
    undefined. Unknown fields are left as they are.

    Raises
    ------
    TagifaiError
        Not JSON, or a wrong type; the message starts with `where` and names the field.
    """
    found = parse_object(content, where)
    for old, new in _OLD_NAMES.items():
        if old in found and new not in found:
            found[new] = found.pop(old)
    if not any(group in found for group in _GROUPS):
        raise TagifaiError(f"{where}: none of {', '.join(_GROUPS)} in it")
    groups = {name: _object(found.get(name, {}), where, name) for name in _GROUPS}
    overall = groups["overall"]
    _check_figures(overall, where, "overall")
    for average in (overall, *overall.values()):
        _mark_undefined(average)
    for tag, figures in groups["class"].items():
        _mark_undefined(_check_figures(figures, where, "class", tag))
    groups["slices"] = _parse_slices(groups["slices"], where)
    groups["behavioral"] = _parse_behavioral(groups["behavioral"], where)
    if not isinstance(found.get("note"), str):
        # Another program may use the name for something that is no note on the figures.
        found.pop("note", None)
    return {**found, **groups}


def as_fraction(value: object) -> float | None:
    """Return a number in [0, 1] as a float, None for anything else.

    >>> as_fraction(1), as_fraction(True), as_fraction(1.5)
    (1.0, None, None)
    """
    number = _as_number(value)
    return number if number is not None and 0 <= number <= 1 else None


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _parse_slices(found: JsonObject, where: str) -> JsonObject:
    # A slice, too, may be called "overall" or "class": only the shape shows which it is.
    nested = not found or "class" in found
    given = _object(found.get("class", {}) if nested else found, where, "slices.class")
    by_name = {
        name: _check_figures(figures, where, "slices.class", name)
        for name, figures in given.items()
    }
    for figures in by_name.values():
        _mark_undefined(figures)
    if nested and "overall" in found:
        overall = _object(found["overall"], where, "slices.overall")
        _mark_undefined(_check_figures(overall, where, "slices.overall"))
        return {**found, "class": by_name, "overall": overall}
    return {"class": by_name, "overall": _weighted(by_name)}


def _weighted(by_name: Mapping[str, JsonObject]) -> JsonObject:
    """Average the figures of slices, weighted by their numbers of samples."""
    overall: JsonObject = {}
    for metric in _FRACTIONS:
        rows = [
            (value, _as_number(figures.get("num_samples")) or 0)
            for figures in by_name.values()
            if (value := _as_number(figures.get(metric))) is not None
        ]
        total = sum(weight for _, weight in rows)
        if total:
            overall[metric] = sum(value * weight for value, weight in rows) / total
    return overall


def _parse_behavioral(found: JsonObject, where: str) -> JsonObject:
    for name in ("score", "name_matcher"):
        score = found.get(name)
        if score is not None and as_fraction(score) is None:
            raise _wrong(where, f"behavioral.{name}", "a number between 0 and 1", score)
    results = _object(found.get("results", {}), where, "behavioral.results")
    lists = {outcome: results.get(outcome, []) for outcome in ("passed", "failed")}
    for outcome, listed in lists.items():
        if not isinstance(listed, list):
            raise _wrong(where, f"behavioral.results.{outcome}", "a list", listed)
    for group in (found, *_objects(found.get("by_type")), *_objects(found.get("by_group"))):
        if group.get("num_samples") == 0 and group.get("score") == 0:
            group["score"] = None
    return {**found, "results": {**results, **lists}} if found else {}


def _check_figures(figures: object, where: str, group: str, name: str | None = None) -> JsonObject:
    # The common case first, and no text made for it: versions have thousands of figures.
    if type(figures) is not dict:
        raise _wrong(where, _field(group, name), "an object", figures)
    for metric in _FRACTIONS:
        value = figures.get(metric)
        if type(value) is float and 0 <= value <= 1:
            continue
        if value is not None and as_fraction(value) is None:
            wanted = "a number between 0 and 1"
            raise _wrong(where, f"{_field(group, name)}.{metric}", wanted, value)
    samples = figures.get("num_samples")
    if samples is not None and ((number := _as_number(samples)) is None or number < 0):
        wanted = "a number of 0 or more"
        raise _wrong(where, f"{_field(group, name)}.num_samples", wanted, samples)
    return figures


def _mark_undefined(figures: object) -> None:
    """Replace each 0 that stands for 0 / 0, by the counts beside it, with None."""
    if not isinstance(figures, dict):
        return
    predicted, undefined = figures.get("num_predicted"), set()
    if figures.get("num_samples") == 0:
        # Without a project that has the tag, F1 and precision are defined where it is predicted.
        undefined = {"recall"} if predicted else set(_FRACTIONS)
    elif predicted == 0:
        undefined = {"precision"}
    for metric in undefined:
        if figures.get(metric) == 0:
            figures[metric] = None


def _objects(found: object) -> list[JsonObject]:
    values = found.values() if isinstance(found, dict) else ()
    return [one for one in values if isinstance(one, dict)]


def _field(group: str, name: str | None) -> str:
    return group if name is None else f"{group}.{name!r}"


def _object(value: object, where: str, field_name: str) -> JsonObject:
    if not isinstance(value, dict):
        raise _wrong(where, field_name, "an object", value)
    return value


def _wrong(where: str, field_name: str, needed: str, value: object) -> TagifaiError:
    at = f"{where}: {shorten(field_name, 120)}: " if field_name else f"{where}: "
    return TagifaiError(f"{at}{needed} is needed, got {shorten(repr(value))}")
