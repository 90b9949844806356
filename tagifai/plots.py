"""Plots to save, print and export: tables in, a matplotlib Figure out.

`charts` draws the live views; nothing here is called while a control moves.
"""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tagifai.comparison.verdicts import BETTER, WORSE
from tagifai.errors import TagifaiError

FORMATS = (".png", ".pdf", ".svg")
LABEL_LENGTH = 60
# More would take seconds, and no paper is that long.
MOST_BARS = 300
GOOD, BAD, NEUTRAL, PLAIN = "#0f8a6d", "#c2570c", "#9aa3b2", "#2f6fde"
MARKERS = "osD^vP*"


def plot_tag_distribution(counts: pd.Series, min_tag_freq: int) -> Figure:
    """Plot the number of projects of each tag as horizontal bars; `counts` is indexed by tag."""
    num_all, counts = len(counts), counts.head(MOST_BARS)
    figure, axes = _figure(max(2.0, 0.24 * len(counts) + 1))
    if counts.empty:
        return _say(figure, axes, f"No tag reaches {min_tag_freq:,} projects.")
    axes.barh(_labels(axes, counts.index), counts.to_numpy(), color=PLAIN)
    axes.bar_label(axes.containers[0], padding=3, fontsize=8)  # type: ignore[arg-type]
    title = f"Tags of {min_tag_freq:,} projects or more{_note(num_all)}"
    axes.set(title=title, xlabel="projects")
    return _plain(figure)


def plot_history(history: pd.DataFrame) -> Figure:
    """Plot metrics in [0, 1] over versions; one column a metric, indexed by version in order."""
    figure, axes = _figure(4.5)
    if history.empty or history.isna().all(axis=None):
        return _say(figure, axes, "No version has one of these metrics.")
    steps = range(len(history))
    for place, (name, values) in enumerate(history.items()):
        axes.plot(
            steps,
            values,
            marker=MARKERS[place % len(MARKERS)],
            label=_cut(str(name)).replace("_", " "),
        )
    axes.set_xticks(list(steps), [_cut(str(name)) for name in history.index], rotation=30)
    axes.set(title="Metrics over versions", ylabel="share, higher is better")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return _plain(figure)


def plot_diffs(diffs: pd.DataFrame, metric: str, a: str, b: str) -> Figure:
    """Plot B − A in points with its 95 % interval; grey is what has no verdict.

    `diffs` has name, diff, low, high and verdict; rows without a diff are left out.
    """
    measured = diffs.dropna(subset=["diff"])
    num_all, drawn = len(measured), measured.head(MOST_BARS)
    figure, axes = _figure(max(2.0, 0.24 * len(drawn) + 1))
    if drawn.empty:
        return _say(figure, axes, "No figure that both versions have.")
    places = _labels(axes, drawn["name"])
    values = drawn["diff"].to_numpy(float) * 100
    verdicts = drawn["verdict"].tolist()
    colours = {BETTER: GOOD, WORSE: BAD}
    bars = axes.barh(places, values, color=[colours.get(one, NEUTRAL) for one in verdicts])
    for bar, verdict in zip(bars, verdicts, strict=True):
        bar.set_hatch("////" if verdict == WORSE else "")
    known = drawn["low"].notna().to_numpy()
    axes.hlines(
        [place for place, has in zip(places, known, strict=True) if has],
        drawn.loc[known, "low"].astype(float) * 100,
        drawn.loc[known, "high"].astype(float) * 100,
        color="black",
        linewidth=1,
    )
    axes.axvline(0, color="black", linewidth=0.8)
    title = f"{_cut(metric)}: {_cut(b)} − {_cut(a)}{_note(num_all)}"
    axes.set(title=title, xlabel="points of a hundred")
    return _plain(figure)


def save_plot(figure: Figure, path: Path | str) -> None:
    """Write a figure as PNG, PDF or SVG, by the file's ending.

    Raises
    ------
    TagifaiError
        The file has another ending, or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise TagifaiError(f"{path}: unknown kind of picture; allowed: {', '.join(FORMATS)}")
    try:
        figure.savefig(path, dpi=150, bbox_inches="tight")
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be written ({error.strerror or error})") from None


def _figure(height: float) -> tuple[Figure, Axes]:
    # Not pyplot: its state is shared by every thread, and its figures are never freed.
    figure = Figure(figsize=(8, min(height, 40)), layout="constrained")
    return figure, figure.subplots()


def _labels(axes: Axes, names: pd.Index | pd.Series) -> list[int]:
    places = list(range(len(names)))
    axes.set_yticks(places, [_cut(str(name)) for name in names], fontsize=8)
    axes.invert_yaxis()
    return places


def _say(figure: Figure, axes: Axes, text: str) -> Figure:
    axes.text(0.5, 0.5, text, ha="center", va="center")
    axes.axis("off")
    return figure


def _plain(figure: Figure) -> Figure:
    # A stranger's "$" is a dollar sign, not the start of a formula.
    for text in figure.findobj(lambda artist: hasattr(artist, "set_parse_math")):
        text.set_parse_math(False)  # type: ignore[attr-defined]
    return figure


def _note(num_all: int) -> str:
    return f" (the first {MOST_BARS:,} of {num_all:,})" if num_all > MOST_BARS else ""


def _cut(text: str) -> str:
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"
