"""Draw what a live view shows as light SVG: text in real pixels, colours of the page.

Positions across are percentages, so that a chart fits a phone without shrinking its words. Each
chart is a picture with a text alternative; each mark carries its values as a tooltip.
"""

import html
from collections.abc import Mapping, Sequence
from typing import Any

LABEL_LENGTH = 60
MOST_ROWS = 120
ROW = 22
COLOURS = ("#2f6fde", "#c2570c", "#0f8a6d", "#a43ab0", "#8a6d00", "#c0274d", "#5b6472")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "1 4", "12 4")
WORSE, BETTER, NEUTRAL = "#c2570c", "#0f8a6d", "#7b8494"


def escaped(text: object, length: int = LABEL_LENGTH) -> str:
    """Make a stranger's text safe inside markup, cut to `length` characters.

    >>> escaped("<b>$x$</b>")
    '&lt;b&gt;$x$&lt;/b&gt;'
    """
    printable = "".join(char if char.isprintable() else " " for char in str(text)[: 2 * length])
    plain = " ".join(printable.split())
    return html.escape(plain if len(plain) <= length else plain[: length - 1] + "…")


def chart_bars(
    rows: Sequence[tuple[str, float]], *, title: str, unit: str, empty: str, label_share: int = 42
) -> str:
    """Draw horizontal bars from zero, one a row of (label, value ≥ 0), in the order given."""
    if not rows:
        return _empty(title, empty)
    shown = rows[:MOST_ROWS]
    most = max(value for _, value in shown) or 1
    body = []
    for number, (label, value) in enumerate(shown):
        top = number * ROW
        width = (90 - label_share) * value / most
        body.append(
            f"<g><title>{escaped(label)}: {_number(value)} {unit}</title>"
            f'<text x="{label_share - 1}%" y="{top + 15}" text-anchor="end">{escaped(label, 34)}'
            f"</text>"
            f'<rect x="{label_share}%" y="{top + 3}" width="{width:.2f}%" height="{ROW - 6}" rx="2"'
            f' fill="{COLOURS[0]}"/>'
            f'<text x="{label_share + width + 0.8:.2f}%" y="{top + 15}">{_number(value)}</text></g>'
        )
    note = f"; the first {MOST_ROWS} of {len(rows)} shown" if len(rows) > MOST_ROWS else ""
    summary = f"{title}: {len(rows)} bars, from {_name(rows[0])} to {_name(rows[-1])} {unit}{note}"
    return _figure(title + note, summary, len(shown) * ROW + 2, "".join(body))


def chart_columns(
    rows: Sequence[tuple[object, float]], *, title: str, x_label: str, y_label: str, empty: str
) -> str:
    """Draw vertical columns from zero, one a row of (label, value ≥ 0), in the order given."""
    if not rows:
        return _empty(title, empty)
    height, bottom = 190, 24
    most = max(value for _, value in rows) or 1
    step = 96 / len(rows)
    body = [f'<line x1="2%" x2="98%" y1="{height}" y2="{height}" stroke="currentColor"/>']
    for number, (label, value) in enumerate(rows):
        tall = (height - 20) * value / most
        middle = 2 + step * (number + 0.5)
        body.append(
            f"<g><title>{escaped(label)} {x_label}: {_number(value)} {y_label}</title>"
            f'<rect x="{middle - step * 0.4:.2f}%" y="{height - tall:.1f}" '
            f'width="{step * 0.8:.2f}%" height="{tall:.1f}" fill="{COLOURS[0]}"/>'
            f'<text x="{middle:.2f}%" y="{height - tall - 5:.1f}" text-anchor="middle">'
            f"{_number(value)}</text>"
            f'<text x="{middle:.2f}%" y="{height + 16}" text-anchor="middle">{escaped(label, 12)}'
            f"</text></g>"
        )
    body.append(
        f'<text x="50%" y="{height + bottom + 12}" text-anchor="middle" class="axis">{x_label}'
        f"</text>"
    )
    summary = f"{title}: " + ", ".join(f"{_name(row)}" for row in rows[:12])
    return _figure(
        f"{title} ({y_label} by {x_label})", summary, height + bottom + 16, "".join(body)
    )


def chart_lines(
    series: Mapping[str, Sequence[float | None]],
    steps: Sequence[str],
    *,
    title: str,
    y_label: str,
    empty: str,
    intervals: Mapping[str, Sequence[tuple[float, float] | None]] | None = None,
    most_steps: int = 60,
) -> str:
    """Draw one line a series over `steps`, with values in [0, 1]; None leaves a gap.

    `intervals` (low, high) by series stand as thin vertical lines at their steps.

    Each series has its own colour, dash and end mark, named in the legend. Of more than
    `most_steps` the latest are drawn.
    """
    steps = list(steps)
    cut = max(0, len(steps) - most_steps)
    steps = steps[cut:]
    drawn = {name: list(values)[cut:] for name, values in series.items()}
    spans = {name: list(values)[cut:] for name, values in (intervals or {}).items()}
    known = [value for values in drawn.values() for value in values if value is not None]
    known += [end for values in spans.values() for span in values if span for end in span]
    if not steps or not known:
        return _empty(title, empty)
    low = max(0.0, (int(min(known) * 10) - 1) / 10)
    high = min(1.0, (int(max(known) * 10) + 1) / 10)
    high = high if high > low else low + 0.1
    height, left, right = 260, 9, 97

    def x(step: int) -> float:
        return (
            (left + right) / 2
            if len(steps) == 1
            else (left + 2 + (right - left - 4) * step / (len(steps) - 1))
        )

    def y(value: float) -> float:
        return 12 + (height - 20) * (high - value) / (high - low)

    ticks = [low + (high - low) * part / 4 for part in range(5)]
    body = [
        f'<line x1="{left}%" x2="{right}%" y1="{y(tick):.1f}" y2="{y(tick):.1f}" class="grid"/>'
        f'<text x="{left - 1}%" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.2f}</text>'
        for tick in ticks
    ]
    every = -(-len(steps) // 8)
    body += [
        f'<text x="{x(step):.2f}%" y="{height + 14}" text-anchor="middle">'
        f"{escaped(name, 16)}</text>"
        for step, name in enumerate(steps)
        if step % every == (len(steps) - 1) % every
    ]
    legend = []
    for number, (name, values) in enumerate(drawn.items()):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        line = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        for step in range(1, len(values)):
            before, now = values[step - 1], values[step]
            if before is not None and now is not None:
                body.append(
                    f'<line x1="{x(step - 1):.2f}%" y1="{y(before):.1f}" '
                    f'x2="{x(step):.2f}%" y2="{y(now):.1f}" {line}/>'
                )
        # Intervals of several series at one step stand beside each other, not in one line.
        aside = (number - (len(drawn) - 1) / 2) * 0.35 if len(steps) <= most_steps // 3 else 0
        body += [
            f'<line x1="{x(step) + aside:.2f}%" x2="{x(step) + aside:.2f}%" '
            f'y1="{y(span[0]):.1f}" y2="{y(span[1]):.1f}" stroke="{colour}" stroke-width="1.5" '
            f'opacity="0.6"><title>{escaped(name)}, {escaped(steps[step])}: 95 % interval '
            f"{span[0]:.3f} to {span[1]:.3f}</title></line>"
            for step, span in enumerate(spans.get(name, []))
            if span is not None
        ]
        body += [
            f'<circle cx="{x(step):.2f}%" cy="{y(value):.1f}" r="4" fill="{colour}">'
            f"<title>{escaped(name)}, {escaped(steps[step])}: {value:.3f}</title></circle>"
            for step, value in enumerate(values)
            if value is not None
        ]
        legend.append(
            f'<span class="legend"><svg width="34" height="10" aria-hidden="true">'
            f'<line x1="0" x2="34" y1="5" y2="5" {line}/>'
            f'<circle cx="17" cy="5" r="4" fill="{colour}"/></svg> {escaped(name)}</span>'
        )
    note = f"; the latest {len(steps)} of {len(steps) + cut}" if cut else ""
    latest = ", ".join(
        f"{name[:LABEL_LENGTH]} {values[-1]:.3f}"
        for name, values in drawn.items()
        if values[-1] is not None
    )
    summary = f"{title} over {len(steps)} versions; at {steps[-1][:LABEL_LENGTH]}: {latest}"
    return _figure(f"{title} ({y_label}{note})", summary, height + 20, "".join(body)) + (
        f'<div class="legends">{"".join(legend)}</div>'
    )


def chart_diffs(
    rows: Sequence[Mapping[str, Any]], *, title: str, name_a: str, name_b: str, empty: str
) -> str:
    """Draw B − A around a zero line, with the interval where there is one.

    Each row has name, a, b, diff and perhaps low, high, verdict, support. Improvements point
    right with ▲, regressions left with ▼ and a hatched bar, so that colour isn't needed.
    """
    rows = [row for row in rows if row.get("diff") is not None]
    if not rows:
        return _empty(title, empty)
    shown = rows[:MOST_ROWS]
    reach = max(
        max(abs(row["diff"]), abs(row.get("low") or 0), abs(row.get("high") or 0)) for row in shown
    )
    reach = max(reach, 0.01)
    centre, half = 62.0, 18.0
    body = [
        f'<line x1="{centre}%" x2="{centre}%" y1="0" y2="{len(shown) * ROW}" '
        'stroke="currentColor"/>'
    ]
    for number, row in enumerate(shown):
        top, diff = number * ROW, row["diff"]
        size = half * abs(diff) / reach
        start = centre if diff >= 0 else centre - size
        fill = _diff_fill(row)
        sign = "▲" if diff > 0 else "▼" if diff < 0 else "="
        faded = ' opacity="0.55"' if row.get("few") else ""
        values = f"{_share(row['a'])} → {_share(row['b'])}"
        tooltip = f"{row['name']}: {diff * 100:+.1f} points, {name_a} {values} {name_b}"
        interval = ""
        if row.get("low") is not None and row.get("high") is not None:
            tooltip += f", 95 % interval {row['low'] * 100:+.1f} to {row['high'] * 100:+.1f}"
            interval = (
                f'<line x1="{centre + half * row["low"] / reach:.2f}%" '
                f'x2="{centre + half * row["high"] / reach:.2f}%" '
                f'y1="{top + ROW / 2}" y2="{top + ROW / 2}" stroke="currentColor" '
                'stroke-width="1.5"/>'
            )
        if row.get("verdict"):
            tooltip += f", {row['verdict']}"
        if row.get("support") is not None:
            tooltip += f", {row['support']} projects"
        body.append(
            f"<g{faded}><title>{escaped(tooltip, 300)}</title>"
            f'<text x="43%" y="{top + 15}" text-anchor="end">{escaped(row["name"], 34)}</text>'
            f'<rect x="{start:.2f}%" y="{top + 4}" width="{size:.2f}%" height="{ROW - 8}" '
            f'fill="{fill}"/>{interval}'
            f'<text x="99%" y="{top + 15}" text-anchor="end">{sign} {diff * 100:+.1f} '
            f'<tspan class="minor">({values})</tspan></text></g>'
        )
    better = sum(row["diff"] > 0 for row in rows)
    worse = sum(row["diff"] < 0 for row in rows)
    note = f"; the first {MOST_ROWS} of {len(rows)} shown" if len(rows) > MOST_ROWS else ""
    summary = (
        f"{title}: {name_b} minus {name_a}, {better} higher, {worse} lower, "
        f"{len(rows) - better - worse} the same"
    )
    return _figure(
        f"{title}: {escaped(name_b)} − {escaped(name_a)}, in points of a hundred{note}",
        summary,
        len(shown) * ROW + 2,
        _HATCH + "".join(body),
        kind=" scrolls",
    )


_HATCH = (
    '<defs><pattern id="worse-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    f'patternTransform="rotate(45)"><rect width="6" height="6" fill="{WORSE}"/>'
    '<line x1="0" y1="0" x2="0" y2="6" stroke="#fff" stroke-opacity="0.55" stroke-width="3"/>'
    "</pattern></defs>"
)


def _diff_fill(row: Mapping[str, Any]) -> str:
    if row["diff"] == 0:
        return NEUTRAL
    return BETTER if row["diff"] > 0 else "url(#worse-hatch)"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}"


def _name(row: tuple[object, float]) -> str:
    return f"{str(row[0])[:LABEL_LENGTH]} {_number(row[1])}"


def _figure(title: str, summary: str, height: float, body: str, kind: str = "") -> str:
    return (
        f'<figure class="chart{kind}"><figcaption>{title}</figcaption>'
        f'<svg role="img" aria-label="{escaped(summary, 400)}" width="100%" '
        f'height="{height:.0f}" font-size="12" fill="currentColor">{body}</svg></figure>'
    )


def _empty(title: str, why: str) -> str:
    return (
        f'<figure class="chart empty"><figcaption>{title}</figcaption>'
        f"<p>{escaped(why, 300)}</p></figure>"
    )
