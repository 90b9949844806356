"""What every chart is made of: escaped text, colours of the page, a frame."""

import html

LABEL_LENGTH = 60
NARROW = 18  # characters of a label that a phone has room for, beside the bars
COLOURS = ("#2f6fde", "#c2570c", "#0f8a6d", "#a43ab0", "#8a6d00", "#c0274d", "#5b6472")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "1 4", "12 4")
BAD, GOOD, NEUTRAL = "#c2570c", "#0f8a6d", "#7b8494"


def one_line(text: object, length: int = LABEL_LENGTH) -> str:
    """Return a stranger's text as one line of printable characters, cut to `length`.

    >>> one_line("two\\nlines\\u202e", 60)
    'two lines'
    """
    start = str(text)[: 2 * length]
    if not start.isprintable():
        start = "".join(char if char.isprintable() else " " for char in start)
    plain = " ".join(start.split())
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def escaped(text: object, length: int = LABEL_LENGTH) -> str:
    """Escape a stranger's text for markup, cut to `length` characters.

    >>> escaped("<b>$x$</b>")
    '&lt;b&gt;$x$&lt;/b&gt;'
    """
    return html.escape(one_line(text, length))


def row_label(label: str, x: str, top: float, length: int) -> str:
    """Label a row whose upper edge is `top`, ending at `x`; a long one on two lines on a phone.

    >>> row_label("graphs", "41%", 0, 34)
    '<text x="41%" y="15" text-anchor="end">graphs</text>'
    """
    first, rest = halves(label)
    kind = ' class="wide"' if rest else ""
    whole = f'<text{kind} x="{x}" y="{top + 15}" text-anchor="end">{escaped(label, length)}</text>'
    if not rest:
        return whole
    return (
        f'{whole}<text class="narrow" x="{x}" y="{top + 9}" text-anchor="end">'
        f'{escaped(first, NARROW)}<tspan x="{x}" dy="10">{escaped(rest, NARROW)}</tspan></text>'
    )


def halves(label: str) -> tuple[str, str]:
    """Part a label that is too long for a phone, where its words part; "" is left of a short one.

    >>> halves("convolutional-neural-networks")
    ('convolutional-', 'neural-networks')
    >>> halves("graphs")
    ('graphs', '')
    """
    if len(label) <= NARROW:
        return label, ""
    ends = [place + 1 for place, char in enumerate(label[:NARROW]) if char in "-_ /."]
    at = ends[-1] if ends else NARROW - 1
    return label[:at], label[at:]


def write_share(value: float | None) -> str:
    """Write a value in [0, 1] with three decimals, a dash where it is undefined.

    >>> write_share(0.25), write_share(None)
    ('0.250', '–')
    """
    return "–" if value is None else f"{value:.3f}"


def write_number(value: float) -> str:
    """Write a count without decimals, another number with three."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}"


def with_value(row: tuple[object, float]) -> str:
    """Write a label and its value."""
    return f"{str(row[0])[:LABEL_LENGTH]} {write_number(row[1])}"


def figure(title: str, summary: str, height: float, body: str, kind: str = "") -> str:
    """Frame a chart's body, `height` pixels tall, with its title and a summary."""
    return (
        f'<figure class="chart{kind}"><figcaption>{title}</figcaption>'
        f'<svg role="img" aria-label="{escaped(summary, 400)}" width="100%" '
        f'height="{height:.0f}" font-size="12" fill="currentColor">{body}</svg></figure>'
    )


def empty_figure(title: str, why: str) -> str:
    """Frame the reason why there is nothing to draw."""
    return (
        f'<figure class="chart empty"><figcaption>{title}</figcaption>'
        f"<p>{escaped(why, 300)}</p></figure>"
    )
