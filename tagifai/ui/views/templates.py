"""Templates of the page: those of `templates/`, and the charts' own."""

from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from tagifai.charts.templating import LONGEST as LONGEST
from tagifai.charts.templating import build_environment
from tagifai.charts.templating import format_number as format_number
from tagifai.charts.templating import shorten_value as shorten_value

FOLDER = Path(__file__).with_name("templates")


@cache
def environment() -> Environment:
    """Build the environment once, when the first view is rendered."""
    return build_environment(FOLDER)


def render(template: str, **values: object) -> Markup:
    """Render a template of `templates/`, as in `render("notice.html", text=text)`.

    What it returns is markup: another template shows it as it is, and escapes all else.

    >>> render("notice.html", kind="error", role="alert", text="<b> is no tag")
    Markup('<div class="notice error" role="alert">&lt;b&gt; is no tag</div>')
    """
    return Markup(environment().get_template(template).render(values).strip())  # noqa: S704


def macro(name: str, *values: object, template: str = "markup.html") -> Markup:
    """Render a macro, as in `macro("chips", ["nlp"])`.

    >>> macro("chips", ["<b>"])
    Markup('<span class="chip">&lt;b&gt;</span> ')
    """
    module = environment().get_template(template).module
    return Markup(getattr(module, name)(*values))  # noqa: S704
