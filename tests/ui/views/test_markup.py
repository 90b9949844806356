import pytest

from tagifai.errors import TagifaiError
from tagifai.ui.views.markup import (
    show_chips,
    show_cloud,
    show_counts,
    show_error,
    show_note,
    show_share,
    show_table,
)

HOSTILE = "<img src=x onerror='alert(1)'>"
ESCAPED = "&lt;img src=x onerror=&#39;alert(1)&#39;&gt;"


def test_an_error_is_an_alert_in_the_strangers_own_words():
    assert show_error(TagifaiError(f"unknown tag {HOSTILE}")) == (
        f'<div class="notice error" role="alert">unknown tag {ESCAPED}</div>'
    )


def test_a_long_error_is_cut():
    assert show_error(TagifaiError("x" * 601)) == (
        f'<div class="notice error" role="alert">{"x" * 599}…</div>'
    )


def test_a_note_is_the_programs_own_markup():
    assert show_note("<b>One</b> version.") == '<p class="note"><b>One</b> version.</p>'


def test_counts_are_a_table_with_thousands_parted():
    assert show_counts([("nlp", 1424), (HOSTILE, 7)], title="Most common tags", empty="none") == (
        '<div class="counts"><h4>Most common tags</h4><table><thead><tr><th>tag</th>'
        '<th class="number">projects</th></tr></thead><tbody>'
        '<tr><td>nlp</td><td class="number">1,424</td></tr>'
        f'<tr><td>{ESCAPED}</td><td class="number">7</td></tr></tbody></table></div>'
    )


def test_no_counts_say_why():
    assert show_counts([], title="Just made the cut", empty="No tag reaches <9>.") == (
        '<div class="counts"><h4>Just made the cut</h4>'
        '<p class="minor">No tag reaches &lt;9&gt;.</p></div>'
    )


def test_chips_are_escaped():
    assert show_chips(["nlp", HOSTILE]) == (
        f'<span class="chip">nlp</span> <span class="chip">{ESCAPED}</span> '
    )
    assert show_chips([]) == ""


def test_the_commonest_word_is_the_largest():
    markup = show_cloud([("mask", 32), ("edge", 1)], title="Words of <b>", empty="none")
    assert markup.startswith(
        '<figure class="cloud-box"><figcaption>Words of &lt;b&gt;</figcaption><ul class="cloud">'
    )
    assert '<li style="font-size:2.50rem"' in markup
    assert '<li style="font-size:0.97rem"' in markup  # 0.75 + 1.75 / 32 ** 0.6
    assert 'title="mask: 32 projects">mask</li>' in markup


def test_no_words_say_why():
    long = "No tag to draw: none reaches this frequency. Move the slider down."
    assert long in show_cloud([], title="Words", empty=long)
    assert show_cloud([], title="Words", empty="No tag to draw.") == (
        '<div class="cloud-box"><p class="minor">No tag to draw.</p></div>'
    )


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, "<td>–</td>"),
        (True, "<td>yes</td>"),
        (False, "<td>no</td>"),
        (1_234, '<td class="number">1,234</td>'),
        (0.12345, '<td class="number">0.123</td>'),
        (HOSTILE, f"<td>{ESCAPED}</td>"),
        ("x" * 401, f"<td>{'x' * 399}…</td>"),
    ],
)
def test_a_cell_shows_its_kind_of_value(value, cell):
    assert f"<tbody><tr>{cell}</tr></tbody>" in show_table(
        [{"a": value}], {"a": "heading"}, empty="none"
    )


def test_a_table_has_headings_and_rows_to_choose():
    rows = [{"tag": 'a"b', "f1": 0.5, "few": True}, {"tag": "cv", "f1": None}]
    assert show_table(
        rows, {"tag": "tag", "f1": "F1"}, row_key="tag", empty="none", caption="<All>"
    ) == (
        '<div class="table-box"><table class="records choosable"><caption>&lt;All&gt;</caption>'
        '<thead><tr><th scope="col">tag</th><th scope="col" class="number">F1</th></tr></thead>'
        '<tbody><tr data-key="a&#34;b" tabindex="0" class="few"><td>a&#34;b</td>'
        '<td class="number">0.500</td></tr>'
        '<tr data-key="cv" tabindex="0"><td>cv</td><td class="number">–</td></tr>'
        "</tbody></table></div>"
    )


def test_only_columns_named_raw_hold_markup():
    markup = show_table([{"a": "<b>", "c": "<i>"}], {"a": "a", "c": "c"}, raw=["a"], empty="none")
    assert "<td><b></td><td>&lt;i&gt;</td>" in markup


def test_an_empty_table_says_why():
    assert show_table([], {"a": "a"}, empty="No <tag>.") == (
        '<p class="minor empty-table">No &lt;tag&gt;.</p>'
    )


def test_a_share_has_a_bar_as_long_as_its_value():
    assert show_share(0.25) == '<span class="share" style="--share:25.0%">0.250</span>'
    assert show_share(None) == "–"
