"""What templates show of strangers' values."""

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from tagifai.charts.templating import SHARED
from tagifai.ui.views.templates import FOLDER, environment, render


def test_values_are_escaped_and_shortened_and_markup_is_not():
    shown = render("notice.html", kind="error", role="", text='<img src="x">' + "a" * 700)
    assert shown.startswith('<div class="notice error">&lt;img src=&#34;x&#34;&gt;aaa')
    assert shown.endswith("a…</div>")
    assert environment().from_string("{{ given }}").render(given=Markup("<b>")) == "<b>"


def test_a_value_that_nobody_gave_is_an_error():
    with pytest.raises(UndefinedError, match="'text' is undefined"):
        render("notice.html", kind="error", role="")


def test_no_template_of_the_page_stands_in_front_of_a_shared_one():
    own, shared = ({path.name for path in folder.iterdir()} for folder in (FOLDER, SHARED))
    assert len(own) > 20
    assert "terms.html" in shared
    assert own & shared == set()
