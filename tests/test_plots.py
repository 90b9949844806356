from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from tagifai.errors import TagifaiError
from tagifai.plots import MOST_BARS, plot_diffs, plot_history, plot_tag_distribution, save_plot

DIFFS = pd.DataFrame(
    {
        "name": ["up", "down", "maybe", "$\\frac{a$"],
        "diff": [0.25, -0.125, -0.5, None],
        "low": [0.1, None, None, None],
        "high": [0.4, None, None, None],
        "verdict": ["better", "worse", "can't tell", "added"],
    }
)


def test_bars_have_the_values_lengths() -> None:
    axes = plot_tag_distribution(pd.Series({"nlp": 40, "cv": 10}), 10).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [40, 10]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["nlp", "cv"]
    assert axes.get_title() == "Tags of 10 projects or more"


def test_diffs_are_points_with_intervals_and_hatched_where_worse() -> None:
    axes = plot_diffs(DIFFS, "f1", "v1", "v2").axes[0]
    assert [bar.get_width() for bar in axes.patches] == [25.0, -12.5, -50.0]
    assert [bar.get_hatch() for bar in axes.patches] == ["", "////", ""]
    assert len({bar.get_facecolor() for bar in axes.patches}) == 3
    (lines,) = [c for c in axes.collections if c.get_segments()]
    assert lines.get_segments()[0][:, 0].tolist() == [10.0, 40.0]


def test_history_draws_one_line_a_metric() -> None:
    frame = pd.DataFrame({"f1": [0.5, None], "recall": [0.4, 0.6]}, index=["v1", "v2"])
    axes = plot_history(frame).axes[0]
    assert [line.get_label() for line in axes.lines] == ["f1", "recall"]
    assert list(axes.lines[1].get_ydata()) == [0.4, 0.6]


def test_nothing_to_plot_says_so() -> None:
    for figure, text in (
        (plot_tag_distribution(pd.Series(dtype=int), 9), "No tag reaches 9 projects."),
        (plot_diffs(DIFFS.iloc[3:], "f1", "a", "b"), "No figure that both versions have."),
        (plot_history(pd.DataFrame()), "No version has one of these metrics."),
    ):
        assert [item.get_text() for item in figure.axes[0].texts] == [text]


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_hostile_names_are_saved_as_text(tmp_path: Path, suffix: str) -> None:
    hostile = DIFFS.assign(name=["$\\frac{a$", "<script>" * 50, "x", "y"], diff=0.1)
    path = tmp_path / f"plot{suffix}"
    save_plot(plot_diffs(hostile, "f1", "$a", "b$"), path)
    assert path.stat().st_size > 1_000
    save_plot(plot_tag_distribution(pd.Series({"$\\frac{a$": 2, "<b>" * 50: 1}), 1), path)
    assert path.stat().st_size > 1_000
    assert plt.get_fignums() == []


def test_thousands_of_bars_are_not_drawn() -> None:
    counts = pd.Series({f"tag {number}": 5_000 - number for number in range(5_000)})
    axes = plot_tag_distribution(counts, 1).axes[0]
    assert len(axes.patches) == MOST_BARS == 300
    assert axes.get_title() == "Tags of 1 projects or more (the first 300 of 5,000)"
    rows = pd.DataFrame([{**DIFFS.iloc[0], "name": f"tag {number}"} for number in range(1_000)])
    axes = plot_diffs(rows, "f1", "a", "b").axes[0]
    assert len(axes.patches) == MOST_BARS
    assert axes.get_title() == "f1: b − a (the first 300 of 1,000)"


def test_another_ending_or_folder_is_refused(tmp_path: Path) -> None:
    figure = plot_history(pd.DataFrame())
    with pytest.raises(TagifaiError, match=r"allowed: \.png, \.pdf, \.svg"):
        save_plot(figure, tmp_path / "plot.exe")
    with pytest.raises(TagifaiError, match="cannot be written"):
        save_plot(figure, tmp_path / "nowhere" / "plot.png")


def test_undefined_figures_draw_no_point() -> None:
    rows = [{"version": "v1", "f1": 0.5, "rare": None}, {"version": "v2", "f1": None, "rare": None}]
    axes = plot_history(pd.DataFrame(rows).set_index("version")).axes[0]
    drawn = {
        str(line.get_label()): [float(y) for y in line.get_ydata() if pd.notna(y)]
        for line in axes.lines
    }
    assert drawn == {"f1": [0.5], "rare": []}
    nothing = plot_history(pd.DataFrame(rows).set_index("version")[["rare"]])
    assert [item.get_text() for item in nothing.axes[0].texts] == [
        "No version has one of these metrics."
    ]
