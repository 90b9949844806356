from tagifai.ui.views.version_card import list_terms, render_card

VERSION = {
    "name": "v1<b>", "notes": "first", "created": "2026-01-02T03:04:05+00:00", "num_tags": 34,
    "data_digest": "abc", "params": {"C": 1.0, "estimator": "<i>svc"}, "mood": ["<u>"],
    "sizes": {"performance.json": 13_400, "model.skops": 2_900_000},
    "links": {"run <7>": "https://example.org/7?a=1&b=2", "bad": "javascript:alert(1)"},
}  # fmt: skip


def test_a_card_tells_making_sizes_links_and_parameters():
    card = render_card(VERSION, "Version A")
    assert "<h4>Version A: v1&lt;b&gt;</h4>" in card
    assert "<dt>made</dt><dd>2026-01-02T03:04:05+00:00</dd>" in card
    assert "<dd>2.9 MB: model.skops 2.9 MB, performance.json 13.4 kB</dd>" in card
    assert (
        '<a href="https://example.org/7?a=1&amp;b=2" rel="noopener noreferrer nofollow" '
        'target="_blank">run &lt;7&gt;</a>'
    ) in card
    assert "bad: javascript:alert(1)" in card
    assert "&#34;estimator&#34;: &#34;&lt;i&gt;svc&#34;" in card
    assert "&lt;u&gt;" in card
    assert "<u>" not in card


def test_a_version_of_which_little_is_known_has_a_short_card():
    card = render_card({"name": "old", "params": {}, "num_tags": 0, "sizes": {}}, "Version B")
    assert card == ('<section class="version-card"><h4>Version B: old</h4><dl></dl></section>')


def test_a_card_shows_each_warning_as_text():
    found = [{"kind": "no_better_than_rates", "message": "no better <b>"}, "train far exceeds test"]
    card = render_card({**VERSION, "warnings": found}, "Version A")
    assert card.count('<div class="notice warning" role="status">') == 2
    assert "no better &lt;b&gt;</div>" in card
    assert "train far exceeds test</div>" in card
    assert "<dt>warnings</dt>" not in card


def test_near_duplicates_are_counted_in_words():
    counted = {"num_test": 1_800, "num_near_duplicates": 6, "cosine": 0.7}
    card = render_card({"name": "v1", "near_duplicates": counted}, "Version A")
    assert (
        "<dl><dt>test projects with a near-duplicate in train or val</dt>"
        "<dd>6 of 1,800 (0.3 %)</dd></dl>"
    ) in card
    card = render_card({"name": "v1", "near_duplicates": ["<u>"]}, "Version A")
    assert "<dt>near-duplicates</dt><dd>[" in card
    assert "&lt;u&gt;" in card


def test_a_foreign_version_is_shown_as_what_it_is():
    made_by = {
        "kind": "onnx",
        "source": "onnx:/models/tagger",
        "thresholds": "tuned on 40 projects",
        "calibration": "platt, fitted on 40 projects",
    }
    card = {"name": "v1", "made_by": made_by, "code_digest": "", "decisions_only": True}
    terms = dict(list_terms(card))
    assert terms["predictor"] == "onnx:/models/tagger"
    assert terms["thresholds"] == "tuned on 40 projects"
    assert terms["calibration"] == "platt, fitted on 40 projects"
    assert terms["decisions without probabilities"] == "yes"
    assert "digest of the code" not in terms
    assert "made_by" not in terms
    assert dict(list_terms({**card, "thresholds": "changed"}))["thresholds"] == "changed"
    assert "predictor" not in dict(list_terms({"name": "v1", "made_by": "somebody"}))
