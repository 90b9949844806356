"""What a sum is made of: signed bars around a zero line."""

from collections.abc import Sequence

from tagifai.charts.svg import BAD, COLOURS, empty_figure, escaped, figure, row_label

ROW = 22


def chart_shares(rows: Sequence[tuple[str, float]], *, title: str, empty: str) -> str:
    """Draw terms of a sum as bars, one a row of (label, value), in the order given.

    What raises the sum points right, what lowers it left and is hatched, so that colour isn't
    needed; both carry their sign. `title` is markup of the program's own.
    """
    if not rows:
        return empty_figure(title, empty)
    reach = max(abs(value) for _, value in rows) or 1.0
    centre, half = 64.0, 24.0
    body = [
        f'<line x1="{centre}%" x2="{centre}%" y1="0" y2="{len(rows) * ROW}" stroke="currentColor"/>'
    ]
    for place, (label, value) in enumerate(rows):
        top, size = place * ROW, half * abs(value) / reach
        start = centre if value >= 0 else centre - size
        after = (centre + size + 0.8, "start") if value >= 0 else (centre + 0.8, "start")
        body.append(
            f"<g><title>{escaped(label, 100)}: {value:+.3f}</title>"
            f"{row_label(label, f'{centre - half - 1}%', top, 40)}"
            f'<rect x="{start:.2f}%" y="{top + 4}" width="{size:.2f}%" '
            f'height="{ROW - 8}" fill="{COLOURS[0] if value >= 0 else "url(#lowers-hatch)"}"/>'
            f'<text x="{after[0]:.2f}%" y="{top + 15}" text-anchor="{after[1]}">{value:+.3f}'
            "</text></g>"
        )
    total = sum(value for _, value in rows)
    summary = f"{len(rows)} terms that sum to {total:+.3f}, from {rows[0][0]} {rows[0][1]:+.3f}"
    return figure(title, summary, len(rows) * ROW + 2, _HATCH + "".join(body), kind=" scrolls")


_HATCH = (
    '<defs><pattern id="lowers-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    f'patternTransform="rotate(45)"><rect width="6" height="6" fill="{BAD}"/>'
    '<line x1="0" y1="0" x2="0" y2="6" stroke="#fff" stroke-opacity="0.55" stroke-width="3"/>'
    "</pattern></defs>"
)
