"""Templates of the page: Jinja2, which escapes every value that is not markup already."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tagifai.charts.svg import one_line

FOLDER = Path(__file__).with_name("templates")
LONGEST = 200


@cache
def environment() -> Environment:
    """Build the environment once, when the first view is rendered.

    A name that a template uses and nobody gave is an error, not an empty place.
    """
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["shorten"] = shorten_value
    made.filters["number"] = format_number
    return made


def render(template: str, **values: object) -> Markup:
    """Render a template of `templates/`, as in `render("notice.html", text=text)`.

    What it returns is markup: another template shows it as it is, and escapes all else.

    >>> render("notice.html", kind="error", role="alert", text="<b> is no tag")
    Markup('<div class="notice error" role="alert">&lt;b&gt; is no tag</div>')
    """
    return Markup(environment().get_template(template).render(values).strip())  # noqa: S704


def macro(name: str, *values: object) -> Markup:
    """Render a macro of `markup.html`, as in `macro("chips", ["nlp"])`.

    >>> macro("chips", ["<b>"])
    Markup('<span class="chip">&lt;b&gt;</span> ')
    """
    module = environment().get_template("markup.html").module
    return Markup(getattr(module, name)(*values))  # noqa: S704


def shorten_value(value: object, longest: int = LONGEST) -> str:
    """Return a text from data as one line, cut so that one row cannot fill the page."""
    return one_line(value, longest)


def format_number(value: float | None, digits: int = 3) -> str:
    """Format a number, or a dash where a figure is undefined.

    >>> format_number(None), format_number(0.25)
    ('–', '0.250')
    """
    return "–" if value is None else f"{value:,.{digits}f}"
