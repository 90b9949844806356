import pytest

from tagifai.behavioral.results import read_results
from tagifai.data import Project
from tagifai.inference import TextPrediction
from tagifai.inference.batches import BatchAnswer, BatchRow
from tagifai.inference.counterfactuals import Change, TagDiff
from tagifai.inference.examples import Example
from tagifai.inference.explanation import TagExplanation, WordEffect
from tagifai.inference.similar import SimilarProject
from tagifai.services.inference import SavedTest
from tagifai.ui.views.behavioral import render_behavioral, render_saved
from tagifai.ui.views.inference import (
    as_typed,
    render_changes,
    render_examples,
    render_flips,
    render_log_odds,
    render_predicted,
    render_probabilities,
    render_similar,
    render_words,
)
from tagifai.ui.views.inference_many import render_answers, render_progress

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
ESCAPED = "&lt;script&gt;"


def word(token, start, stop, value, spelt="", known=True):
    return WordEffect(token, start, stop, spelt or token, known, value)


def test_words_are_tinted_by_their_share_of_the_largest():
    words = [word("red", 0, 3, 2.0), word("cat", 5, 8, -1.0), word("x", 9, 10, 0.001)]
    shown = render_words("Red, cat x!", words, "pets")
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
    words = [word("grpah", 0, 5, 1.0, spelt="graph"), word("zzz", 6, 9, 0.0, known=False)]
    shown = render_words("grpah zzz", words, "graphs")
    assert "grpah: +1.000 to the log-odds of graphs; read as graph" in shown
    assert 'class="word unseen"' in shown
    assert "never seen in training" in shown


def test_words_that_share_a_character_are_shown_once():
    words = [word("i", 0, 1, 1.0), word("\u0307", 0, 1, 1.0), word("a", 2, 3, 1.0)]
    shown = render_words("İ a", words, "t")
    assert shown.count("İ") == 1
    assert 'data-key="2"' in shown


def test_a_long_text_is_cut_and_says_so():
    shown = render_words("a" * 6_000, [word("a", 0, 6_000, 1.0)], "t")
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
        ("<&\"'", "&lt;&amp;&#34;&#39;"),
    ],
)
def test_text_is_shown_as_typed(text, shown):
    assert as_typed(text) == shown


def test_nothing_of_a_stranger_is_markup():
    project = Project(HOSTILE, HOSTILE, HOSTILE, (HOSTILE,))
    flip = TagDiff(HOSTILE, 0.1, 0.9, 0.8, "gained")
    made = TextPrediction((HOSTILE,), {HOSTILE: 0.9}, HOSTILE, None, {HOSTILE: 0.5})
    explained = TagExplanation((word(HOSTILE, 0, 5, 1.0),), 0.0, 0.0, 0.0, 1.0)
    test = {
        "type": HOSTILE, "group": HOSTILE, "texts": [HOSTILE], "expected": [[HOSTILE]],
        "forbidden": [[HOSTILE]], "predicted": [[HOSTILE]],
    }  # fmt: skip
    results = {"score": 0.0, "num_samples": 1, "results": {"failed": [test], "passed": []}}
    change = Change(HOSTILE, ((HOSTILE, HOSTILE),), 0.9, 0.1)
    for shown in (
        render_words(HOSTILE, [word(HOSTILE, 0, 5, 1.0)], HOSTILE),
        render_similar([SimilarProject(project, 0.5)]),
        render_flips([flip], HOSTILE, HOSTILE, "none"),
        render_changes([change], HOSTILE, predicted=True),
        render_examples([Example(HOSTILE, HOSTILE)]),
        render_behavioral(read_results(results), "v1"),
        render_saved(SavedTest(1, HOSTILE, read_results(results)), HOSTILE),
        render_predicted(made),
        render_probabilities(made),
        render_log_odds(explained, HOSTILE, made),
        render_answers([BatchAnswer(BatchRow(1, HOSTILE), ((HOSTILE, 0.9),), ((HOSTILE, 0.3),))]),
        render_answers([BatchAnswer(BatchRow(1, error=HOSTILE))]),
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
    shown = render_behavioral(read_results(odd), "v1")
    assert "of 3 behavioral tests pass" in shown
    assert "Failed: 2" in shown
    assert "Transformers are new." in shown
    row = {"score": 0.25, "num_samples": 4, "name_matcher": 0.75}
    groups = {f"by_{kind}": {HOSTILE: row, "x": 1} for kind in ("part", "type", "group")}
    scored = render_behavioral(read_results({**row, **groups}), "v1")
    assert "A name matcher, which learns nothing, passes 0.750." in scored
    assert scored.count(">0.750<") == 3
    assert "<script" not in scored
    assert "names a tag of this version" in render_behavioral(
        read_results({"score": 0.0, "results": {}}), "v1"
    )


def test_bad_rows_are_counted_and_named():
    bad = [BatchAnswer(BatchRow(n, error="not JSON")) for n in range(1, 31)]
    shown = render_answers([*bad, BatchAnswer(BatchRow(31, "text"), (("nlp", 0.9),))])
    assert "Bad rows, left out: 30." in shown
    assert "row 20: not JSON" in shown
    assert "… and 10 more" in shown
    assert "row 21" not in shown


def test_the_progress_of_many_texts_counts_them():
    assert render_progress(500, 1_200) == (
        '<div class="progress-line"><progress max="1200" value="500"></progress> '
        "<span>500 of 1,200 texts</span></div>"
    )
    assert "Cancelled after 500 of 1,200 texts" in render_progress(500, 1_200, cancelled=True)


def test_tags_near_misses_and_all_others_are_told_apart():
    thresholds = dict.fromkeys("abc", 0.5)
    made = TextPrediction(("a",), {"a": 0.9, "b": 0.3, "c": 0.1}, "words", None, thresholds)
    shown = render_probabilities(made)
    assert '<tr data-key="a" tabindex="0"><td><b>a</b></td>' in shown
    assert "<td>✔ predicted</td>" in shown
    assert shown.count("<td>near miss</td>") == 1
    assert '<tr data-key="c" tabindex="0" class="few"><td>c</td>' in shown
    assert render_predicted(made) == (
        '<p class="headline">Predicted: <span class="chip">a</span> </p>'
    )
    none = TextPrediction((), {"a": 0.9}, "zzz", "no known word", thresholds)
    assert "near miss</td>" not in render_probabilities(none)
    assert 'class="notice warning">No word of this text occurred' in render_predicted(none)


def test_what_adds_up_to_the_log_odds_is_shown_with_its_sign():
    made = TextPrediction(("a",), {"a": 0.9}, "red", None, {"a": 0.5})
    explained = TagExplanation((word("red", 0, 3, 2.0),), 0.25, -1.0, 0.125, 1.375)
    assert render_log_odds(explained, "a", made).startswith(
        '<div class="sum"><span>words <b>+2.00</b></span> <span>names of tags <b>+0.25</b></span> '
        "<span>intercept <b>-1.00</b></span> <span>calibration <b>+0.12</b></span> "
        "<span>= log-odds of a <b>+1.38</b></span> <span>→ probability <b>0.900</b>, "
        "predicted from 0.500</span></div>\n"
        '<p class="minor method">Exact: the parts sum to the log-odds.</p>'
        "<details>"
    )


def test_flips_are_told_above_the_table():
    diffs = [TagDiff("b", 0.1, 0.9, 0.8, "gained"), TagDiff("a", 0.9, 0.1, -0.8, "lost")]
    headline = '<p class="headline">▲ now predicted: b, ▼ no longer predicted: a</p>'
    assert render_flips(diffs, "text", "edited", "The edit flips no tag.").startswith(headline)
    same = [TagDiff("a", None, 0.9, None, None)]
    assert render_flips(same, "text", "edited", "The edit flips no tag.").startswith(
        '<p class="headline">The edit flips no tag.</p>'
    )


def test_a_change_shows_what_goes_and_what_comes():
    shown = render_changes(
        [Change("a new b", (("old", "new"), ("x", "")), 0.9, 0.1)], "t", predicted=True
    )
    assert "<td><del>old</del> → <ins>new</ins>, <del>x</del></td>" in shown
    assert 'data-key="a new b"' in shown
