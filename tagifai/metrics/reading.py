"""How to read each metric, for a reader who sees its name for the first time."""

from collections.abc import Mapping, Sequence
from typing import Any

from tagifai.errors import counted, shorten
from tagifai.metrics import COVERED, METRICS

MOST_NAMED = 10


def metric_terms() -> list[tuple[str, str]]:
    """List the label and the meaning of every metric.

    >>> metric_terms()[1][0], metric_terms()[1][1].partition(". ")[0]
    ('Precision', 'Share of predicted tags that are true')
    """
    return [
        (
            metric.label,
            f"{metric.description} {'Higher' if metric.higher_is_better else 'Lower'} is better. "
            f"Of all together: {metric.averaging}.",
        )
        for metric in METRICS.values()
    ]


def undefined_tags(performance: Mapping[str, Any]) -> list[str]:
    """List the tags without an F1: no test project has the tag, and none gets it.

    >>> undefined_tags({"class": {"cv": {"f1": 0.0}, "rare": {"f1": None}}})
    ['rare']
    """
    return [tag for tag, figures in performance["class"].items() if figures.get("f1") is None]


def state_covered(performance: Mapping[str, Any]) -> dict[str, str]:
    """State by figure how many tags, projects or slices an average covers, where it is known.

    Figures are named as by `repetition.flat_metrics`.

    >>> overall = {"f1": 1, "num_samples": 9, "macro": {"f1": 1, "num_tags": {"f1": 4}}}
    >>> state_covered({"overall": overall, "class": {tag: {} for tag in "abcde"}})
    {'macro_f1': '4 of 5 tags'}
    """
    overall, slices = performance["overall"], performance.get("slices", {})
    of_all = {
        "num_tags": len(performance.get("class", {})),
        "num_projects": overall.get("num_samples"),
        "num_slices": len(slices.get("class", {})),
    }
    rows = {"": overall, "slices_": slices.get("overall", {})}
    rows |= {f"{name}_": row for name, row in overall.items() if isinstance(row, Mapping)}
    return {
        f"{prefix}{metric}": f"{number:,} of {total:,} {kind.removeprefix('num_')}"
        for prefix, row in rows.items()
        for kind in COVERED
        if isinstance(row.get(kind), Mapping) and isinstance(total := of_all[kind], int) and total
        for metric, number in row[kind].items()
        if isinstance(number, int)
    }


def describe_undefined(tags: Sequence[str], num_tags: int) -> str:
    """Describe in a line which tags have no figures, and what follows for the averages.

    >>> describe_undefined(["rare"], 5).partition(":")[2]
    ' its figures are undefined (–), and averages leave it out: rare'
    """
    named = ", ".join(shorten(tag) for tag in tags[:MOST_NAMED])
    more = f" and {len(tags) - MOST_NAMED:,} more" if len(tags) > MOST_NAMED else ""
    is_in, its, it = ("is", "its", "it") if len(tags) == 1 else ("are", "their", "them")
    return (
        f"{len(tags):,} of {counted(num_tags, 'tag')} {is_in} in no project of the test split and "
        f"predicted for none: {its} figures are undefined (–), and averages leave {it} out: "
        f"{named}{more}"
    )
