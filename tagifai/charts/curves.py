"""Draw curves as light SVG: metrics over versions, precision against recall, reliability."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tagifai.charts.svg import (
    COLOURS,
    DASHES,
    LABEL_LENGTH,
    NEUTRAL,
    empty_figure,
    escaped,
    figure,
    write_share,
)
from tagifai.inspection import CurvePoint, TagFigures
from tagifai.metrics.calibration import ReliabilityBin

SIDE = 230
SHORT_NAME = 8
# A chart of lines: pixels down, and percent across.
HEIGHT, LEFT, RIGHT = 260, 9, 97
Span = tuple[float, float] | None
"""An interval's ends, None where there is none."""


def even_ticks(lowest: float, highest: float) -> list[float]:
    """Return at most seven round values in [0, 1], evenly spaced, around all that is drawn.

    >>> even_ticks(0.71, 0.83)
    [0.7, 0.75, 0.8, 0.85]
    >>> even_ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    for step in (0.02, 0.05, 0.1, 0.2):
        first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
        last = max(last, first + 1)
        if last - first <= 6:
            break
    return [round(place * step, 2) for place in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where versions stand across, in percent, and values in [low, high] down, in pixels."""

    steps: Sequence[str]
    ticks: Sequence[float]

    def x(self, step: int) -> float:
        last = len(self.steps) - 1
        return LEFT + 2 + (RIGHT - LEFT - 4) * step / last if last else (LEFT + RIGHT) / 2

    def y(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return 12 + (HEIGHT - 20) * (high - value) / (high - low)


@dataclass(frozen=True, slots=True)
class _Series:
    """One line: its values and intervals by step, its name in the legend, and how it is drawn."""

    label: str
    named: str
    values: Sequence[float | None]
    intervals: Sequence[Span]
    colour: str
    dash: str
    aside: float

    @property
    def line(self) -> str:
        return f'stroke="{self.colour}" stroke-width="2" stroke-dasharray="{self.dash}"'


def chart_lines(
    series: Mapping[str, Sequence[float | None]],
    steps: Sequence[str],
    *,
    title: str,
    y_label: str,
    empty: str,
    intervals: Mapping[str, Sequence[Span]] | None = None,
    few: Mapping[str, int] | None = None,
    most_steps: int = 60,
) -> str:
    """Draw one line for each series over `steps`.

    Each series has its own colour, dash and end mark, named in the legend.

    Parameters
    ----------
    series : mapping of str to sequence of float or None
        Values in [0, 1] at each step; None leaves a gap.
    steps : sequence of str
        The steps' names. Of more than `most_steps` the latest are drawn.
    title, y_label : str
        What is drawn, and its unit.
    empty : str
        What to show if there is nothing to draw.
    intervals : mapping of str to sequence of (low, high) or None, optional
        Drawn as thin vertical lines at their steps.
    few : mapping of str to int, optional
        Series that rest on too few samples, with how many: grey, and the legend says so.
    """
    cut = max(0, len(steps) - most_steps)
    steps = list(steps)[cut:]
    drawn = _list_series(
        {label: list(values)[cut:] for label, values in series.items()},
        {label: list(values)[cut:] for label, values in (intervals or {}).items()},
        few or {},
        spread=len(steps) <= most_steps // 3,
    )
    known = [value for one in drawn for value in one.values if value is not None]
    known += [end for one in drawn for span in one.intervals if span for end in span]
    if not steps or not known:
        return empty_figure(title, empty)
    plane = _Plane(steps, even_ticks(min(known), max(known)))
    body = [*_draw_axes(plane), *(mark for one in drawn for mark in _draw_series(one, plane))]
    note = f"; the latest {len(steps)} of {len(steps) + cut}" if cut else ""
    latest = ", ".join(
        f"{one.label[:LABEL_LENGTH]} {one.values[-1]:.3f}"
        for one in drawn
        if one.values[-1] is not None
    )
    summary = f"{title} over {len(steps)} versions; at {steps[-1][:LABEL_LENGTH]}: {latest}"
    legend = "".join(
        f'<span class="legend"><svg width="34" height="10" aria-hidden="true">'
        f'<line x1="0" x2="34" y1="5" y2="5" {one.line}/>'
        f'<circle cx="17" cy="5" r="4" fill="{one.colour}"/></svg> {escaped(one.named)}</span>'
        for one in drawn
    )
    chart = figure(f"{title} ({y_label}{note})", summary, HEIGHT + 30, "".join(body))
    return f'{chart}<div class="legends">{legend}</div>'


def _list_series(
    series: Mapping[str, Sequence[float | None]],
    intervals: Mapping[str, Sequence[Span]],
    few: Mapping[str, int],
    *,
    spread: bool,
) -> list[_Series]:
    found = []
    for place, (label, values) in enumerate(series.items()):
        colour, named = COLOURS[place % len(COLOURS)], label
        if label in few:
            colour, named = NEUTRAL, f"{label} (n = {few[label]}: too few to tell)"
        # What is undefined has no point, and so nothing that an interval could be around.
        spans = [
            None if value is None else span
            for value, span in zip(values, intervals.get(label, []), strict=False)
        ]
        # Intervals of several series at one step stand beside each other, not in one line.
        aside = (place - (len(series) - 1) / 2) * 0.35 if spread else 0
        dash = DASHES[place % len(DASHES)]
        found.append(_Series(label, named, values, spans, colour, dash, aside))
    return found


def _draw_axes(plane: _Plane) -> list[str]:
    names, last = plane.steps, len(plane.steps) - 1
    body = [
        f'<line x1="{LEFT}%" x2="{RIGHT}%" y1="{plane.y(tick):.1f}" y2="{plane.y(tick):.1f}" '
        f'class="grid"/><text x="{LEFT - 1}%" y="{plane.y(tick) + 4:.1f}" text-anchor="end">'
        f"{tick:.2f}</text>"
        for tick in plane.ticks
    ]
    # On a phone a long name at the edge has a line of its own.
    long_at_edge = last > 0 and len(names[last]) > SHORT_NAME
    every = -(-len(names) // 8)
    for step in range(last % every, len(names), every):
        wide = ' class="wide"' if step == last and long_at_edge else ""
        body.append(
            f'<text{wide} x="{plane.x(step):.2f}%" y="{HEIGHT + 14}" text-anchor="middle">'
            f"{escaped(names[step], 16)}</text>"
        )
    if long_at_edge:
        body.append(
            f'<text class="narrow" x="100%" y="{HEIGHT + 27}" text-anchor="end">'
            f"{escaped(names[last], 16)}</text>"
        )
    return body


def _draw_series(series: _Series, plane: _Plane) -> Iterator[str]:
    name = escaped(series.label)
    for step, (before, now) in enumerate(pairwise(series.values)):
        if before is not None and now is not None:
            yield (
                f'<line x1="{plane.x(step):.2f}%" y1="{plane.y(before):.1f}" '
                f'x2="{plane.x(step + 1):.2f}%" y2="{plane.y(now):.1f}" {series.line}/>'
            )
    for step, span in enumerate(series.intervals):
        if span is not None:
            across = f"{plane.x(step) + series.aside:.2f}%"
            yield (
                f'<line x1="{across}" x2="{across}" y1="{plane.y(span[0]):.1f}" '
                f'y2="{plane.y(span[1]):.1f}" stroke="{series.colour}" stroke-width="1.5" '
                f'opacity="0.6"><title>{name}, {escaped(plane.steps[step])}: 95 % interval '
                f"{span[0]:.3f} to {span[1]:.3f}</title></line>"
            )
    for step, value in enumerate(series.values):
        if value is not None:
            yield (
                f'<circle cx="{plane.x(step):.2f}%" cy="{plane.y(value):.1f}" r="4" '
                f'fill="{series.colour}"><title>{name}, {escaped(plane.steps[step])}: '
                f"{value:.3f}</title></circle>"
            )


def chart_precision_recall(
    points: Sequence[CurvePoint], chosen: TagFigures | CurvePoint, *, title: str, empty: str
) -> str:
    """Draw precision over recall, both in [0, 1], with the `chosen` threshold's point marked.

    Where nothing reaches the threshold, its precision is undefined and there is no point.
    """
    if not points:
        return empty_figure(title, empty)
    at = [(point.recall, point.precision) for point in points]
    body = [*_square("recall", "precision")]
    line = f'stroke="{COLOURS[0]}" stroke-width="2"'
    body += [
        f'<line x1="{_across(r0):.2f}%" y1="{_down(p0):.1f}" x2="{_across(r1):.2f}%" '
        f'y2="{_down(p1):.1f}" {line}/>'
        for (r0, p0), (r1, p1) in pairwise(at)
    ]
    tooltip = (
        f"threshold {chosen.threshold:.3f}: precision {write_share(chosen.precision)}, "
        f"recall {write_share(chosen.recall)}"
    )
    if chosen.recall is not None and chosen.precision is not None:
        body.append(
            f'<circle cx="{_across(chosen.recall):.2f}%" cy="{_down(chosen.precision):.1f}" '
            f'r="6" fill="{COLOURS[1]}" stroke="currentColor"><title>{tooltip}</title></circle>'
        )
    return figure(title, f"{title}; {tooltip}", SIDE + 42, "".join(body))


def chart_reliability(bins: Sequence[ReliabilityBin], *, title: str, empty: str) -> str:
    """Draw the observed frequency over the mean probability of each bin that has pairs.

    Each point has its 95 % interval, where there is one, as a vertical line, and tells its
    number of pairs; the diagonal is perfect calibration.
    """
    points = [
        (row, row.mean_prob, row.frequency)
        for row in bins
        if row.mean_prob is not None and row.frequency is not None
    ]
    if not points:
        return empty_figure(title, empty)
    body = [
        *_square("mean probability", "observed frequency"),
        f'<line x1="{_across(0):.2f}%" y1="{_down(0):.1f}" x2="{_across(1):.2f}%" '
        f'y2="{_down(1):.1f}" stroke="currentColor" stroke-dasharray="4 4" opacity="0.6"/>',
    ]
    for row, mean_prob, frequency in points:
        x, y = _across(mean_prob), _down(frequency)
        low, high = row.low_frequency, row.high_frequency
        ends = "" if low is None else f"({low:.3f} to {high:.3f}) "
        tooltip = (
            f"probability {mean_prob:.3f}: true in {frequency:.3f} {ends}"
            f"of {row.num_samples:,} pairs"
        )
        line = (
            ""
            if low is None or high is None
            else f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="{_down(low):.1f}" '
            f'y2="{_down(high):.1f}" stroke="{COLOURS[0]}" stroke-width="2"/>'
        )
        body.append(
            f"<g><title>{tooltip}</title>{line}"
            f'<circle cx="{x:.2f}%" cy="{y:.1f}" r="5" fill="{COLOURS[0]}"/></g>'
        )
    _, mean_prob, frequency = points[-1]
    summary = (
        f"{title}: {len(points)} bins; in the highest the mean probability is "
        f"{mean_prob:.2f} and the frequency {frequency:.2f}"
    )
    return figure(title, summary, SIDE + 42, "".join(body))


def _across(value: float) -> float:
    return 12 + 84 * value


def _down(value: float) -> float:
    return 8 + (SIDE - 16) * (1 - value)


def _square(x_label: str, y_label: str) -> list[str]:
    ticks = (0, 0.25, 0.5, 0.75, 1)
    lines = [
        f'<line x1="{_across(0):.2f}%" x2="{_across(1):.2f}%" y1="{_down(tick):.1f}" '
        f'y2="{_down(tick):.1f}" class="grid"/>'
        f'<text x="11%" y="{_down(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        f'<text x="{_across(tick):.2f}%" y="{SIDE + 12}" text-anchor="middle">{tick:g}</text>'
        for tick in ticks
    ]
    return [
        *lines,
        f'<text x="54%" y="{SIDE + 34}" text-anchor="middle" class="axis">{x_label}</text>',
        f'<text x="0" y="0" transform="translate(11,{SIDE / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle" class="axis">{y_label}</text>',
    ]
