import re

from markupsafe import Markup

from tagifai.charts.tables import show_table, show_terms

HOSTILE = "<img src=x onerror='alert(1)'>"


def cells(table: str) -> list[str]:
    return re.findall(r"<td.*?</td>", table)


def test_markup_stands_as_it_is_and_texts_are_escaped() -> None:
    shown = show_table(
        [{"a": Markup("<b>1</b>"), "b": "<b>", "c": "<i>2</i>"}],
        {"a": "a", "b": "b", "c": "c"},
        empty="none",
        raw=["c"],
    )
    assert cells(shown) == ["<td><b>1</b></td>", "<td>&lt;b&gt;</td>", "<td><i>2</i></td>"]


def test_nothing_of_a_stranger_is_markup() -> None:
    row = {HOSTILE: HOSTILE, "few": True}
    for shown in (
        show_table([row], {HOSTILE: HOSTILE}, empty="", caption=HOSTILE),
        show_table([row], {HOSTILE: HOSTILE}, empty="", row_key=HOSTILE),
        show_table([], {}, empty=HOSTILE),
        show_terms([(HOSTILE, HOSTILE)]),
    ):
        assert "<img" not in shown
        assert "onerror='" not in shown


def test_rows_carry_their_key_and_kind() -> None:
    shown = show_table(
        [{"tag": "cv", "few": True}, {"tag": "nlp", "chosen": True}, {"tag": "rl"}],
        {"tag": "tag"},
        empty="",
        row_key="tag",
        caption="Tags",
    )
    assert re.findall(r"<tr( data-key[^>]*)>", shown) == [
        ' data-key="cv" tabindex="0" class="few"',
        ' data-key="nlp" tabindex="0" class="chosen"',
        ' data-key="rl" tabindex="0"',
    ]
    assert "<caption>Tags</caption>" in shown
    assert 'class="records choosable"' in shown
    assert "role=" not in shown  # rows that can be chosen lead into the box


def test_a_box_without_rows_to_choose_is_reached_by_the_keyboard() -> None:
    shown = show_table([{"tag": "cv"}], {"tag": "tag"}, empty="", caption="Tags")
    assert '<div class="table-box" tabindex="0" role="region" aria-label="Tags">' in shown
