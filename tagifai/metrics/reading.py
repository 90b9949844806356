"""How to read each metric, for whoever sees its name for the first time."""

from tagifai.metrics import METRICS


def metric_terms() -> list[tuple[str, str]]:
    """List (label, what it tells) of every metric.

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
