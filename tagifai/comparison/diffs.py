"""Plain differences between what two versions stored: parameters and figures, B − A."""

from collections.abc import Iterable, Mapping
from typing import Any

from tagifai.errors import TagifaiError
from tagifai.metrics import METRICS
from tagifai.text.languages import DEFAULT_LANGUAGE
from tagifai.versions.history import Key, count_samples, flatten_performance

VERDICTS = ("worse", "better", "can't tell", "added", "removed", None)
_MISSING = object()
_IMPLIED = {"language": DEFAULT_LANGUAGE}


def check_different(a: str, b: str) -> None:
    """Refuse to compare a version with itself.

    Raises:
        TagifaiError: both names are the same.
    """
    if a == b:
        raise TagifaiError(f"choose two different versions, got {a!r} twice")


def higher_is_better(metric: str) -> bool:
    """Tell a metric's direction; one that isn't known is taken as better when higher."""
    return metric not in METRICS or METRICS[metric].higher_is_better


def diff_params(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Line up parameters: records {name, a, b, status} by name.

    status is "changed", "same", "added" (only B has it; a is None) or "removed". true and 1
    differ, 1 and 1.0 don't. Versions trained before there were languages read English.

    >>> diff_params({"stem": True}, {"stem": 1, "C": None})
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'name': 'C', 'a': None, 'b': None, 'status': 'added'},
     {'name': 'stem', 'a': True, 'b': 1, 'status': 'changed'}]
    """
    a, b = ({**_IMPLIED, **own} if "stopwords" in own else own for own in (a, b))
    records = []
    for name in sorted(a.keys() | b.keys()):
        left, right = a.get(name, _MISSING), b.get(name, _MISSING)
        status = _status(left, right)
        records.append({"name": name, "a": a.get(name), "b": b.get(name), "status": status})
    return records


def diff_performance(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Line up the stored figures of two parsed performance.json: flat records, B − A.

    {group, name, metric, a, b, diff, status, support}; status is "improved", "regressed",
    "same", "added" or "removed" (one side lacks it: diff is None); support is B's number of
    samples, or A's where B lacks it, or None.
    """
    figures_a, figures_b = flatten_performance(a), flatten_performance(b)
    samples = {**count_samples(a), **count_samples(b)}
    keys = dict.fromkeys([*figures_b, *figures_a])
    return [_diff(key, figures_a.get(key), figures_b.get(key), samples) for key in keys]


def sort_records(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order by verdict (worse, better, can't tell, added, removed), then by size of diff."""
    return sorted(
        records,
        key=lambda r: (VERDICTS.index(r["verdict"]), -abs(r["diff"] or 0), r["name"], r["metric"]),
    )


def count_of(number: int, what: str) -> str:
    """Write a number with its noun.

    >>> count_of(1, "tag"), count_of(1200, "tag")
    ('1 tag', '1,200 tags')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _diff(
    key: Key, a: float | None, b: float | None, samples: Mapping[tuple[str, str], int]
) -> dict[str, Any]:
    group, name, metric = key
    diff = None if a is None or b is None else b - a
    if diff is None:
        status = "added" if a is None else "removed"
    elif diff == 0:
        status = "same"
    else:
        status = "improved" if (diff > 0) == higher_is_better(metric) else "regressed"
    return {
        "group": group,
        "name": name,
        "metric": metric,
        "a": a,
        "b": b,
        "diff": diff,
        "status": status,
        "support": samples.get((group, name)),
    }


def _status(a: object, b: object) -> str:
    if a is _MISSING:
        return "added"
    if b is _MISSING:
        return "removed"
    return "same" if _typed(a) == _typed(b) else "changed"


def _typed(value: object) -> object:
    # Python takes true for 1; whoever reads parameters doesn't.
    if isinstance(value, Mapping):
        return {key: _typed(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_typed(one) for one in value]
    return (isinstance(value, bool), value)
