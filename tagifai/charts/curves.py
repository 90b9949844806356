"""Draw curves as light SVG: metrics over versions, precision against recall, reliability."""

import math
from collections.abc import Mapping, Sequence
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


def even_ticks(lowest: float, highest: float) -> list[float]:
    """Give at most seven round values in [0, 1], evenly spaced, around all that is drawn.

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


def chart_lines(
    series: Mapping[str, Sequence[float | None]],
    steps: Sequence[str],
    *,
    title: str,
    y_label: str,
    empty: str,
    intervals: Mapping[str, Sequence[tuple[float, float] | None]] | None = None,
    few: Mapping[str, int] | None = None,
    most_steps: int = 60,
) -> str:
    """Draw one line a series over `steps`, with values in [0, 1]; None leaves a gap.

    `intervals` (low, high) by series stand as thin vertical lines at their steps. Series of
    `few`, by how many samples, are grey, and the legend says how many.

    Each series has its own colour, dash and end mark, named in the legend. Of more than
    `most_steps` the latest are drawn.
    """
    steps = list(steps)
    cut = max(0, len(steps) - most_steps)
    steps = steps[cut:]
    drawn = {name: list(values)[cut:] for name, values in series.items()}
    spans = {name: list(values)[cut:] for name, values in (intervals or {}).items()}
    known = [value for values in drawn.values() for value in values if value is not None]
    # What is undefined has no point, and so nothing that an interval could be around.
    spans = {
        name: [
            None if value is None else span
            for value, span in zip(drawn.get(name, []), values, strict=False)
        ]
        for name, values in spans.items()
    }
    known += [end for values in spans.values() for span in values if span for end in span]
    if not steps or not known:
        return empty_figure(title, empty)
    ticks = even_ticks(min(known), max(known))
    low, high = ticks[0], ticks[-1]
    height, left, right = 260, 9, 97

    def x(step: int) -> float:
        return (
            (left + right) / 2
            if len(steps) == 1
            else (left + 2 + (right - left - 4) * step / (len(steps) - 1))
        )

    def y(value: float) -> float:
        return 12 + (height - 20) * (high - value) / (high - low)

    def step_class(name: str, step: int) -> str:
        return ' class="wide"' if step == len(steps) - 1 > 0 and len(name) > SHORT_NAME else ""

    body = [
        f'<line x1="{left}%" x2="{right}%" y1="{y(tick):.1f}" y2="{y(tick):.1f}" class="grid"/>'
        f'<text x="{left - 1}%" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.2f}</text>'
        for tick in ticks
    ]
    every = -(-len(steps) // 8)
    body += [
        f'<text{step_class(name, step)} x="{x(step):.2f}%" y="{height + 14}" text-anchor="middle">'
        f"{escaped(name, 16)}</text>"
        for step, name in enumerate(steps)
        if step % every == (len(steps) - 1) % every
    ]
    # On a phone a long name at the edge has a line of its own.
    if step_class(steps[-1], len(steps) - 1):
        body.append(
            f'<text class="narrow" x="100%" y="{height + 27}" text-anchor="end">'
            f"{escaped(steps[-1], 16)}</text>"
        )
    legend = []
    for place, (label, values) in enumerate(drawn.items()):
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
        named = label
        if few and label in few:
            colour, named = NEUTRAL, f"{label} (n = {few[label]}: too few to tell)"
        line = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        for step in range(1, len(values)):
            before, now = values[step - 1], values[step]
            if before is not None and now is not None:
                body.append(
                    f'<line x1="{x(step - 1):.2f}%" y1="{y(before):.1f}" '
                    f'x2="{x(step):.2f}%" y2="{y(now):.1f}" {line}/>'
                )
        # Intervals of several series at one step stand beside each other, not in one line.
        aside = (place - (len(drawn) - 1) / 2) * 0.35 if len(steps) <= most_steps // 3 else 0
        body += [
            f'<line x1="{x(step) + aside:.2f}%" x2="{x(step) + aside:.2f}%" '
            f'y1="{y(span[0]):.1f}" y2="{y(span[1]):.1f}" stroke="{colour}" stroke-width="1.5" '
            f'opacity="0.6"><title>{escaped(label)}, {escaped(steps[step])}: 95 % interval '
            f"{span[0]:.3f} to {span[1]:.3f}</title></line>"
            for step, span in enumerate(spans.get(label, []))
            if span is not None
        ]
        body += [
            f'<circle cx="{x(step):.2f}%" cy="{y(value):.1f}" r="4" fill="{colour}">'
            f"<title>{escaped(label)}, {escaped(steps[step])}: {value:.3f}</title></circle>"
            for step, value in enumerate(values)
            if value is not None
        ]
        legend.append(
            f'<span class="legend"><svg width="34" height="10" aria-hidden="true">'
            f'<line x1="0" x2="34" y1="5" y2="5" {line}/>'
            f'<circle cx="17" cy="5" r="4" fill="{colour}"/></svg> {escaped(named)}</span>'
        )
    note = f"; the latest {len(steps)} of {len(steps) + cut}" if cut else ""
    latest = ", ".join(
        f"{name[:LABEL_LENGTH]} {values[-1]:.3f}"
        for name, values in drawn.items()
        if values[-1] is not None
    )
    summary = f"{title} over {len(steps)} versions; at {steps[-1][:LABEL_LENGTH]}: {latest}"
    return figure(f"{title} ({y_label}{note})", summary, height + 30, "".join(body)) + (
        f'<div class="legends">{"".join(legend)}</div>'
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
    told = (
        f"threshold {chosen.threshold:.3f}: precision {write_share(chosen.precision)}, "
        f"recall {write_share(chosen.recall)}"
    )
    if chosen.recall is not None and chosen.precision is not None:
        body.append(
            f'<circle cx="{_across(chosen.recall):.2f}%" cy="{_down(chosen.precision):.1f}" '
            f'r="6" fill="{COLOURS[1]}" stroke="currentColor"><title>{told}</title></circle>'
        )
    return figure(title, f"{title}; {told}", SIDE + 42, "".join(body))


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
        told = (
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
            f"<g><title>{told}</title>{line}"
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
