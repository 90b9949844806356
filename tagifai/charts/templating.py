"""Jinja2 templates, which escape every value that is not markup already."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tagifai.charts.svg import one_line

SHARED = Path(__file__).with_name("templates")
LONGEST = 200


def build_environment(*folders: Path) -> Environment:
    """Build an environment over folders of templates, and over those of this package.

    A name that a template uses and nobody gave is an error, not an empty place.
    """
    made = Environment(
        loader=FileSystemLoader([*folders, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["shorten"] = shorten_value
    made.filters["number"] = format_number
    return made


@cache
def environment() -> Environment:
    """Build the environment of this package's templates once, when the first is rendered."""
    return build_environment()


def render(template: str, **values: object) -> Markup:
    """Render a template of this package.

    >>> render("terms.html", terms=[("F1", "<b>")])
    Markup('<dl class="terms"><dt>F1</dt><dd>&lt;b&gt;</dd></dl>')
    """
    return Markup(environment().get_template(template).render(values).strip())  # noqa: S704


def shorten_value(value: object, longest: int = LONGEST) -> str:
    """Return a text from data as one line, cut so that one row cannot fill the page."""
    return one_line(value, longest)


def format_number(value: float | None, digits: int = 3) -> str:
    """Format a number, or a dash where a figure is undefined.

    >>> format_number(None), format_number(0.25)
    ('–', '0.250')
    """
    return "–" if value is None else f"{value:,.{digits}f}"
