import pytest

from tagifai.behavioral.results import read_results
from tagifai.inference.counterfactuals import Change
from tagifai.ui.tabs.inference_many import show_answers
from tagifai.ui.views.behavioral import render_behavioral, render_saved
from tagifai.ui.views.inference import (
    as_typed,
    show_changes,
    show_examples,
    show_flips,
    show_similar,
    show_words,
)

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
ESCAPED = "&lt;script&gt;"


def word(token, start, stop, value, **more):
    known = {"token": token, "start": start, "stop": stop, "value": value}
    return {**known, "spelt": token, "known": True, **more}


def test_words_are_tinted_by_their_share_of_the_largest():
    told = {"words": [word("red", 0, 3, 2.0), word("cat", 5, 8, -1.0), word("x", 9, 10, 0.001)]}
    shown = show_words("Red, cat x!", told, "pets")
    assert (
        'class="word raises" role="button" tabindex="0" data-key="0" style="--weight:1.00"' in shown
    )
    assert (
        'class="word lowers" role="button" tabindex="0" data-key="1" style="--weight:0.50"' in shown
    )
    assert 'class="word" role="button" tabindex="0" data-key="2" style="--weight:0.00"' in shown
    assert ">Red</span>, <span" in shown
    assert shown.endswith(">x</span>!</div>")


def test_what_was_corrected_or_never_seen_is_told():
    told = {
        "words": [
            word("grpah", 0, 5, 1.0, spelt="graph"),
            word("zzz", 6, 9, 0.0, known=False),
        ]
    }
    shown = show_words("grpah zzz", told, "graphs")
    assert "grpah: +1.000 to the log-odds of graphs; read as graph" in shown
    assert 'class="word unseen"' in shown
    assert "never seen in training" in shown


def test_words_that_share_a_character_are_shown_once():
    told = {"words": [word("i", 0, 1, 1.0), word("\u0307", 0, 1, 1.0), word("a", 2, 3, 1.0)]}
    shown = show_words("İ a", told, "t")
    assert shown.count("İ") == 1
    assert 'data-key="2"' in shown


def test_a_long_text_is_cut_and_says_so():
    shown = show_words("a" * 6_000, {"words": [word("a", 0, 6_000, 1.0)]}, "t")
    assert "The first 5,000 of 6,000 characters." in shown
    assert len(shown) < 6_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\t c", "a\nb\t c"),
        ("\x00\x1b\x7f", "␀␛\ufffd"),
        ("\u202eabc", "\ufffdabc"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("a\u2028b\u00a0c", "a b c"),
        ("\ud800", "\ufffd"),
        ("<&\"'", "&lt;&amp;&quot;&#x27;"),
    ],
)
def test_text_is_shown_as_typed(text, shown):
    assert as_typed(text) == shown


def test_nothing_of_a_stranger_is_markup():
    project = {"id": HOSTILE, "title": HOSTILE, "description": HOSTILE, "tags": [HOSTILE]}
    flip = {"tag": HOSTILE, "a": 0.1, "b": 0.9, "diff": 0.8, "flip": "gained"}
    test = {
        "type": HOSTILE, "group": HOSTILE, "texts": [HOSTILE], "expected": [[HOSTILE]],
        "forbidden": [[HOSTILE]], "predicted": [[HOSTILE]],
    }  # fmt: skip
    results = {"score": 0.0, "num_samples": 1, "results": {"failed": [test], "passed": []}}
    change = Change(HOSTILE, ((HOSTILE, HOSTILE),), 0.9, 0.1)
    for shown in (
        show_words(HOSTILE, {"words": [word(HOSTILE, 0, 5, 1.0)]}, HOSTILE),
        show_similar([{**project, "likeness": 0.5}]),
        show_flips([flip], HOSTILE, HOSTILE, "none"),
        show_changes([change], HOSTILE, predicted=True),
        show_examples([{"why": HOSTILE, "text": HOSTILE}]),
        render_behavioral(read_results(results)),
        render_saved({**results, "number": 1, "file": HOSTILE}, HOSTILE),
    ):
        assert ESCAPED in shown
        assert "<script" not in shown
        assert "<img" not in shown


def test_behavioral_tests_of_every_shape_are_listed():
    old = {
        "input": {"text": "Transformers are new.", "tags": ["transformers"]},
        "prediction": {"predicted_tags": ["nlp"]},
        "type": "INV",
    }
    odd = {"results": {"passed": [old], "failed": ["?", {"texts": None}]}, "score": 1 / 3}
    shown = render_behavioral(read_results(odd))
    assert "of 3 behavioral tests pass" in shown
    assert "Failed: 2" in shown
    assert "Transformers are new." in shown
    row = {"score": 0.25, "num_samples": 4, "name_matcher": 0.75}
    groups = {f"by_{kind}": {HOSTILE: row, "x": 1} for kind in ("part", "type", "group")}
    scored = render_behavioral(read_results({**row, **groups}))
    assert "A name matcher, which learns nothing, passes 0.750." in scored
    assert scored.count(">0.750<") == 3
    assert "<script" not in scored
    assert "names a tag of this version" in render_behavioral(
        read_results({"score": 0.0, "results": {}})
    )


def test_bad_rows_are_counted_and_named():
    from tagifai.inference.batches import BatchAnswer, BatchRow

    bad = [BatchAnswer(BatchRow(n, error="not JSON")) for n in range(1, 31)]
    shown = show_answers([*bad, BatchAnswer(BatchRow(31, "text"), (("nlp", 0.9),))])
    assert "Bad rows, left out: 30." in shown
    assert "row 20: not JSON" in shown
    assert "… and 10 more" in shown
    assert "row 21" not in shown
