"""Two versions compared, of a folder or of arrays; the answer shows itself in a notebook."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tagifai.api.evaluating import as_predictions, read_thresholds
from tagifai.api.inputs import read_probabilities, read_tags, read_truth
from tagifai.comparison.results import GROUPS, DiffRow
from tagifai.comparison.results import Comparison as Result
from tagifai.errors import TagifaiError, one_of
from tagifai.predictions import DEFAULT_THRESHOLD, Predictions

if TYPE_CHECKING:
    import pandas as pd

    from tagifai.plots import Figure as Plot


# A notebook has none of the page's style; what a narrow window shows instead stays out of sight.
STYLE = """
.tagifai .chart figure, .tagifai figure { margin: 0.5rem 0; }
.tagifai .chart svg { display: block; max-width: 62rem; overflow: visible; font-family: inherit; }
.tagifai .chart figcaption { font-weight: 600; padding: 0.3rem 0; }
.tagifai .chart .narrow { display: none; }
.tagifai .chart .minor { opacity: 0.8; }
"""


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Version B against version A.

    Attributes
    ----------
    result : tagifai.comparison.results.Comparison
        Every row, flip and parameter.
    """

    result: Result

    @property
    def a(self) -> str:
        """The baseline's name."""
        return self.result.a

    @property
    def b(self) -> str:
        """The name of the version that is compared with it."""
        return self.result.b

    @property
    def verdict(self) -> str | None:
        """The verdict on the primary figure: "better", "worse", "can't tell", …"""
        row = self.result.primary_row
        return row.verdict if row else None

    def row(self, name: str, metric: str = "f1") -> DiffRow:
        """Return one figure of both versions, of an average, a tag, a slice or tests.

        Raises
        ------
        TagifaiError
            There is none of this name and metric.
        """
        rows = [row for group in GROUPS for row in self.result.rows(group)]
        found = next((row for row in rows if (row.name, row.metric) == (name, metric)), None)
        if found is None:
            known = sorted({f"{row.name} {row.metric}" for row in rows})
            raise one_of("figure", f"{name} {metric}", known)
        return found

    def to_frame(self) -> "pd.DataFrame":
        """Return every figure as a row: group, name, metric, a, b, diff, low, high, verdict, …"""
        return self.result.to_frame()

    def plot(self, metric: str = "f1", group: str = "tags") -> "Plot":
        """Plot B − A with its intervals, as a matplotlib figure.

        Raises
        ------
        TagifaiError
            An unknown group or metric.
        """
        from tagifai.plots import plot_diffs

        if group not in GROUPS:
            raise one_of("group", group, GROUPS)
        rows = self.to_frame()
        rows = rows[rows["group"] == group]
        metrics = sorted(set(rows["metric"]))
        if metrics and metric not in metrics:
            raise one_of("metric", metric, metrics)
        return plot_diffs(rows[rows["metric"] == metric], metric, self.a, self.b)

    def __repr__(self) -> str:
        row = self.result.primary_row
        if row is None:
            return f"<Comparison of {self.b} with {self.a}>"
        figures = " → ".join("–" if one is None else f"{one:.3f}" for one in (row.a, row.b))
        name = f"{row.name} {row.metric}"
        return f"<Comparison of {self.b} with {self.a}: {row.verdict}, {name} {figures}>"

    def _repr_html_(self) -> str:
        from tagifai.charts import chart_diffs
        from tagifai.charts.verdict import show_verdict

        rows = self.result.rows("tags", "f1")
        chart = chart_diffs(
            rows, title="F1 by tag", name_a=self.a, name_b=self.b, empty="No tag to compare."
        )
        return (
            f'<div class="tagifai"><style>{STYLE}</style>{show_verdict(self.result)}{chart}</div>'
        )


def compare(
    a: object,
    b: object,
    *,
    models: str | Path = "model",
    data: str | Path = "data",
    y_true: object = None,
    tags: object = None,
    thresholds: float | Mapping[str, float] = DEFAULT_THRESHOLD,
    seed: int = 0,
) -> Comparison:
    """Compare two versions on the same texts, with intervals and verdicts; B − A, always.

    Parameters
    ----------
    a, b : str or array (n_texts, n_tags)
        Names of versions in `models`; or, with `y_true`, probabilities.
    models, data : str or Path
        Where the versions and the data are; not looked at where arrays are given.
    y_true : array (n_texts, n_tags) or list of lists, optional
        0 and 1, or each text's tags.
    tags : list of str, optional
        The names of the columns.
    thresholds : float or mapping
        The probability from which a tag is predicted, one for all or by tag.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Comparison

    Raises
    ------
    TagifaiError
        An unknown version, or arrays that do not fit.

    Examples
    --------
    >>> y_true = [[1], [0]] * 20
    >>> result = compare([[0.1]] * 40, [[0.9], [0.2]] * 20, y_true=y_true, tags=["cv"])
    >>> result.verdict, result.row("cv", "recall").diff
    ('better', 1.0)
    """
    if isinstance(a, str) and isinstance(b, str):
        return Comparison(_compare_versions(a, b, str(models), Path(data)))
    if isinstance(a, str) or isinstance(b, str):
        raise TagifaiError("compare: two names of versions or two arrays are needed, not one each")
    if y_true is None:
        raise TagifaiError("y_true: shape (n_texts, n_tags) is needed to compare arrays, got None")
    names = None if tags is None else read_tags(tags)
    columns, truth, ordered = read_truth(y_true, None, names)
    limits = read_thresholds(thresholds, columns)
    both = [
        as_predictions(
            truth, read_probabilities(found, name, len(truth), columns, ordered=ordered), columns
        )
        for name, found in (("a", a), ("b", b))
    ]
    return Comparison(_compare_arrays(both[0], both[1], limits, seed))


def _compare_versions(a: str, b: str, models: str, data: Path) -> Result:
    from tagifai.services.app import Services
    from tagifai.settings import Settings

    return Services(Settings(data=data, models=models, no_cache=True)).comparisons.compare(a, b)


def _compare_arrays(
    a: Predictions, b: Predictions, thresholds: Mapping[str, float], seed: int
) -> Result:
    from tagifai.comparison import compare as compare_versions
    from tagifai.metrics import performance
    from tagifai.store.sources import FolderSource
    from tagifai.store.versions import Version, parse_performance

    def version(name: str, found: Predictions) -> Version:
        import orjson

        figures = performance(found.y_true, found.decide(thresholds), found.tags)
        parsed = parse_performance(orjson.dumps(figures), name)
        return Version(name, {}, parsed, {}, thresholds, name, FolderSource("."))

    return compare_versions(version("a", a), version("b", b), a, b, seed=seed)
