"""Plain differences between what two versions stored: parameters and figures, B − A."""

from collections.abc import Iterable, Mapping

from tagifai.comparison.results import DiffRow, ParamDiff
from tagifai.comparison.verdicts import ADDED, REMOVED, VERDICTS
from tagifai.errors import TagifaiError
from tagifai.store.history import count_samples, list_figures
from tagifai.text.languages import DEFAULT_LANGUAGE

_MISSING = object()
_IMPLIED = {"language": DEFAULT_LANGUAGE}


def check_different(a: str, b: str) -> None:
    """Refuse to compare a version with itself.

    Raises
    ------
    TagifaiError
        Both names are the same.
    """
    if a == b:
        raise TagifaiError(f"choose two different versions, got {a!r} twice")


def diff_params(a: Mapping[str, object], b: Mapping[str, object]) -> list[ParamDiff]:
    """Compare parameters by name; true and 1 differ, 1 and 1.0 do not.

    `status` is "changed", "same", "added" (only B has it; a is None) or "removed". A version
    that records no language reads English.

    >>> [(one.name, one.status) for one in diff_params({"stem": True}, {"stem": 1, "C": None})]
    [('C', 'added'), ('stem', 'changed')]
    """
    a, b = ({**_IMPLIED, **own} if "stopwords" in own else own for own in (a, b))
    rows = []
    for name in sorted(a.keys() | b.keys()):
        left, right = a.get(name, _MISSING), b.get(name, _MISSING)
        rows.append(ParamDiff(name, a.get(name), b.get(name), _status(left, right)))
    return rows


def diff_performance(a: Mapping[str, object], b: Mapping[str, object]) -> dict[str, list[DiffRow]]:
    """Compare the stored figures of two parsed performance.json by group, B − A.

    `verdict` is "added" or "removed" where one side lacks the figure, else None; `diff` is None
    where one side has nothing to count, too. `support` is B's number of samples, or A's where B
    lacks it, or None.
    """
    figures_a, figures_b = list_figures(a), list_figures(b)
    samples = {**count_samples(a), **count_samples(b)}
    found: dict[str, list[DiffRow]] = {}
    for key in dict.fromkeys([*figures_b, *figures_a]):
        group, name, metric = key
        left, right = figures_a.get(key), figures_b.get(key)
        diff = None if left is None or right is None else right - left
        verdict = ADDED if key not in figures_a else REMOVED if key not in figures_b else None
        row = DiffRow(name, metric, samples.get((group, name)), left, right, diff, verdict=verdict)
        found.setdefault(group, []).append(row)
    return found


def sort_rows(rows: Iterable[DiffRow]) -> tuple[DiffRow, ...]:
    """Order rows by verdict, then by the interval's end nearer to zero, the farthest first.

    Verdicts come as worse, better, can't tell, too few, unchanged, added, removed.
    """
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                VERDICTS.index(row.verdict),
                -row.near_end,
                -abs(row.diff or 0),
                row.name,
                row.metric,
            ),
        )
    )


def count_of(number: int, what: str) -> str:
    """Write a number with its noun.

    >>> count_of(1, "tag"), count_of(1200, "tag")
    ('1 tag', '1,200 tags')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


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
