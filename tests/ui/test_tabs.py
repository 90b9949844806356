"""Every handler of the page, called as a plain function over a real workbench."""

import json
import re
import shutil

import gradio as gr
import pytest
from markupsafe import Markup

from tagifai.data import load_dataset
from tagifai.text.languages import stopwords_of

# A value that no choice has, and the like, are faults of ours.
pytestmark = pytest.mark.filterwarnings("error::UserWarning")

HERE = gr.Request(headers={"host": "127.0.0.1:7860"}, client={"host": "127.0.0.1"})


@pytest.fixture
def handlers(open_bench, small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    _, demo = open_bench(data=tmp_path / "data", models=str(tmp_path / "model"))

    def handlers_of(tab, name):
        return next(
            event
            for event in demo.fns.values()
            if event.name == name and event.fn.__module__ == f"tagifai.ui.tabs.{tab}"
        )

    return handlers_of


def first_value(widget):
    # An untouched box sends "", not None.
    return "" if isinstance(widget, gr.Textbox) and widget.value is None else widget.value


def shown_once(values):
    """Check that no view is escaped again, and that none is markup, which escapes what joins it."""
    for value in values:
        assert not isinstance(value, Markup)
        assert not re.search(r"&lt;(div|p|table|ul|figure|svg|details|h\d)\b", str(value))


def answer(event, **changes):
    """Call a handler with its widgets' first values, some changed by element id."""
    given = [changes.get((w.elem_id or "").replace("-", "_"), first_value(w)) for w in event.inputs]
    if event.name == "fill":
        given = [HERE, *given]
    values = event.fn(*given)
    shown_once(values.values() if isinstance(values, dict) else [values])
    if isinstance(values, dict) and all(isinstance(key, gr.blocks.Block) for key in values):
        assert set(values) <= set(event.outputs)
        return {
            widget.elem_id or number: value for number, (widget, value) in enumerate(values.items())
        }
    values = values if isinstance(values, list | tuple) else [values]
    assert len(values) == len(event.outputs)
    shown = zip(event.outputs, values, strict=True)
    return {widget.elem_id or number: value for number, (widget, value) in enumerate(shown)}


@pytest.mark.parametrize("tab", ["data", "performance", "inference", "inspection"])
def test_a_tab_fills_all_that_it_says_it_fills(handlers, tab):
    assert answer(handlers(tab, "fill"))


@pytest.mark.parametrize(
    ("tab", "broken"),
    [
        ("data", "data"),
        ("performance", "model"),
        ("inference", "model"),
        ("inspection", "model"),
    ],
)
def test_a_tab_without_its_files_shows_a_notice(handlers, tmp_path, tab, broken):
    shutil.rmtree(tmp_path / broken)
    shown = answer(handlers(tab, "fill"))
    notices = [value for value in shown.values() if 'role="alert"' in str(value)]
    assert notices
    assert str(tmp_path / broken) in notices[0]


def test_data_that_breaks_while_the_page_is_open_gives_a_notice(handlers, tmp_path):
    described = answer(handlers("data_projects", "show_tag"), data_tag="segmentation")
    assert described["tag-metadata"]["tag"] == "segmentation"
    (tmp_path / "data" / "projects.json").write_text("[")
    cloud = answer(handlers("data_frequency", "show_word_cloud"), word_cloud_tag="segmentation")
    assert "not JSON" in cloud["word-cloud"]
    broken = answer(handlers("data_projects", "show_tag"), data_tag="segmentation")
    assert any("not JSON" in str(value) for value in broken.values())
    assert "tag-metadata" not in broken  # it stays


def test_the_page_is_sent_the_steps_that_it_cannot_draw(handlers):
    part = handlers("data_frequency", "send_steps").fn.__self__
    sent = part.send_steps(30, "")
    digest = sent[part.steps_of]
    assert sent[part.steps].count("<h4>Most common tags</h4>") == 2  # with tags, and without
    assert part.send_steps(30, digest) == {part.steps_of: digest}
    drawn = part.filter_by_frequency(30, "gone", digest)
    assert drawn[part.cloud_tag]["value"] == "computer-vision"
    assert part.steps not in drawn
    other = part.filter_by_frequency(30, "gone", "other data")
    assert (other[part.steps], other[part.steps_of]) == (sent[part.steps], digest)


def test_of_too_many_steps_the_page_is_sent_those_around(handlers, tmp_path):
    projects = [
        {"id": f"{tag}-{n}", "title": "t" * 50, "description": "", "tags": [f"tag {tag:03}"]}
        for tag in range(200)
        for n in range(tag + 1)
    ]
    (tmp_path / "data" / "projects.json").write_text(json.dumps(projects))
    (tmp_path / "data" / "tags.json").unlink()
    part = handlers("data_frequency", "send_steps").fn.__self__
    digest = part.services.data.summary().digest
    part._written = digest, ""  # as where all steps are too much
    sent = part.send_steps(100, "")
    steps, held = json.loads(sent[part.steps]), sent[part.steps_of]
    assert steps["bounds"] == [*range(88, 113)]
    assert (steps["low"], steps["high"], len(steps["pages"])) == (88, 112, 25)
    for near in (92, 107):  # the page draws these, and there are enough on either side
        assert part.send_steps(near, held) == {part.steps_of: held}
    for far in (91, 109, 3):
        assert json.loads(part.send_steps(far, held)[part.steps])["low"] == max(0, far - 12) * (
            far > 13
        )
    last = part.send_steps(300, held)
    steps = json.loads(last[part.steps])
    assert (steps["low"], steps["high"], steps["bounds"][-1]) == (189, None, 200)
    assert "No tag reaches 201 projects. Move the slider down." in "".join(steps["pieces"])
    assert part.send_steps(201, last[part.steps_of]) == {part.steps_of: last[part.steps_of]}


@pytest.mark.parametrize(
    ("tab", "handler", "table"),
    [
        ("performance", "fill", "tag-diffs"),
        ("inference", "predict", "inference-tags"),
        ("inspection", "fill", "tag-metrics"),
    ],
)
def test_a_tab_about_versions_goes_on_without_the_data(handlers, tmp_path, tab, handler, table):
    shutil.rmtree(tmp_path / "data")
    given = {"inference_text": "Masks of regions", "inference_version": "v0.2.0"}
    shown = answer(handlers(tab, handler), **given)
    assert shown[table].partition("<tbody>")[2].count("<tr") == 4


def test_a_frequency_that_no_tag_reaches_says_so(handlers):
    step = answer(handlers("data", "fill"), min_tag_freq=41)
    assert step["tags-most-common"] == (
        '<div class="counts"><h4>Most common tags</h4>'
        '<p class="minor">No tag reaches 41 projects. Move the slider down.</p></div>'
    )
    nothing = "<p>No tag reaches 41 projects. Move the slider down.</p>"
    assert nothing in step["tag-distribution"]
    moved = answer(handlers("data_frequency", "filter_by_frequency"), min_tag_freq=41)
    assert moved["word-cloud-tag"]["choices"] == step["word-cloud-tag"].choices == []


def test_data_whose_tags_are_all_rare_begin_with_all_of_them(handlers, tmp_path):
    projects = tmp_path / "data" / "projects.json"
    projects.write_text(json.dumps(json.loads(projects.read_text())[:30]))
    shown = answer(handlers("data", "fill"))
    assert shown["min-tag-freq"].value == 1
    assert "<b>4</b> of 4 tags make the cut" in shown["tags-summary"]
    gone_on = answer(handlers("data", "fill"), min_tag_freq=2)
    assert "value" not in gone_on["min-tag-freq"].constructor_args  # it stays


def test_a_bad_pattern_keeps_the_output_and_says_why(handlers):
    event = handlers("data_preprocessing", "show_preprocessed")
    asked = {"preprocess_input": "Masks, of regions", "preprocess_stopwords": "of"}
    good, bad = answer(event, **asked), answer(event, **asked, preprocess_filters="(")
    assert good["preprocess-output"] == "masks regions"
    assert "preprocess-output" not in bad  # it stays
    assert any("no regular expression" in str(value) for value in bad.values())


def test_texts_to_begin_with_come_from_the_data_in_its_language(handlers, tmp_path):
    texts = [p.text for p in load_dataset(tmp_path / "data").projects]
    (tmp_path / "data" / "data.toml").write_text('language = "german"')
    german = {"language": "german", "stopwords": " ".join(stopwords_of("german"))}
    for tab, told in (("data", {"min_tag_freq": 30, **german}), ("inference", {})):
        fill = handlers(tab, "fill")
        (usual,) = [v for v in answer(fill).values() if str(v).startswith('{"tab":')]
        usual = json.loads(usual)["values"]
        assert usual.pop("text") in texts
        assert usual == told
        # Nobody's text is replaced.
        typed = answer(fill, preprocess_input="Die Masks", inference_text="The Masks")
        box = typed.get("preprocess-input" if tab == "data" else "inference-text", gr.skip())
        assert box == gr.skip()


def test_another_language_brings_its_stopwords(handlers):
    event = handlers("data_preprocessing", "set_stopwords")
    words = " ".join(stopwords_of("turkish"))
    shown, usual = event.fn("turkish").values()
    assert (shown, json.loads(usual)["values"]) == (words, {"stopwords": words})
    assert answer(event, preprocess_language="thai")["preprocess-stopwords"] == ""
    assert answer(event)["preprocess-stopwords"] == ""


def test_the_same_version_twice_names_it(handlers):
    event = handlers("performance", "compare")
    shown = answer(event, version_a="v0.1.0", version_b="v0.1.0")
    assert shown["verdict"] == (
        '<div class="notice error" role="alert">'
        "choose two different versions, got &#39;v0.1.0&#39; twice</div>"
    )
    assert shown["regressions"] == ""


def test_a_text_without_words_has_no_tags(handlers):
    shown = answer(
        handlers("inference", "predict"),
        inference_text="the of", inference_version="v0.2.0",
    )  # fmt: skip
    assert shown["inference-preprocessed"] == ""
    assert "there is no word to predict from" in shown["inference-predicted"]


class Inspected:
    """The controls of the Inspection tab, as a page holds them."""

    def __init__(self, event):
        self.event = event
        self.values = {widget: first_value(widget) for widget in event.inputs}
        self.named = {widget.elem_id: widget for widget in (*event.inputs, *event.outputs)}

    def value(self, name):
        """Return what a control holds."""
        return self.values[self.named[name]]

    def choose(self, **controls):
        """Choose, and return what the answer changes, by element id."""
        for name, value in controls.items():
            self.values[self.named[name.replace("_", "-")]] = value
        answer = self.event.fn(*self.values.values())
        if answer == gr.skip():
            return {}
        assert set(answer) <= set(self.event.outputs)
        for widget, value in answer.items():
            if widget in self.values and not isinstance(value, gr.Dropdown):
                self.values[widget] = value
        return {widget.elem_id or widget: value for widget, value in answer.items()}


def test_a_moved_threshold_stays_until_another_tag_or_version_is_chosen(handlers):
    page = Inspected(handlers("inspection", "show"))
    page.choose(inspect_version="v0.2.0", inspect_tag="segmentation")
    first = page.value("tag-threshold")
    assert 0 < first < 0.9
    moved = page.choose(tag_threshold=0.9)
    assert "0.900</b>threshold" in moved["tag-figures"]
    assert {"tag-threshold", "tag-metrics", "inspect-tag"}.isdisjoint(moved)
    page.choose(inspect_outcome="false negatives")
    assert page.value("tag-threshold") == 0.9
    page.choose(inspect_tag="transformers")
    page.choose(inspect_tag="segmentation")
    assert page.value("tag-threshold") == first
    page.choose(tag_threshold=0.9)
    page.choose(inspect_version="v0.1.0")
    assert page.value("tag-threshold") < 0.9
    # One threshold for all tags stands for each tag's own.
    page.choose(common_threshold=0.75)
    assert page.value("tag-threshold") == 0.75
    page.choose(inspect_tag="transformers")
    assert page.value("tag-threshold") == 0.75
    page.choose(common_threshold=0)
    assert page.value("tag-threshold") < 0.75


def test_only_what_changes_is_shown_again(handlers):
    page = Inspected(handlers("inspection", "show"))
    whole = page.choose(inspect_version="v0.2.0", inspect_tag="segmentation")
    assert {"tag-metrics", "calibration-note", "tag-figures", "samples"} <= set(whole)
    assert page.choose() == {}
    listed = page.choose(samples_order="longest")
    assert {name for name in listed if isinstance(name, str)} == {
        "samples", "samples-words", "samples-mark", "outcome-help"
    }  # fmt: skip
    tag = page.choose(inspect_tag="transformers")
    assert {"tag-figures", "precision-recall", "samples"} <= set(tag)
    assert "tag-metrics" not in tag
    # A page that there is not is the last one, and another list begins with its first.
    assert page.choose(samples_page=9)["samples-page"] == 1
    # A tag that the version lacks makes room for the one with the most errors.
    gone = page.choose(inspect_tag="gone", inspect_version="v0.1.0")
    assert gone["inspect-tag"].value in [name for name, _ in gone["inspect-tag"].choices]


def test_a_version_that_cannot_be_read_empties_the_tab_until_another_is_chosen(handlers, tmp_path):
    page = Inspected(handlers("inspection", "show"))
    page.choose(inspect_version="v0.2.0", inspect_tag="segmentation")
    (tmp_path / "model" / "v0.1.0" / "performance.json").write_text("{")
    broken = page.choose(inspect_version="v0.1.0")
    (notice,) = [value for value in broken.values() if 'role="alert"' in str(value)]
    assert "v0.1.0/performance.json: not JSON" in notice
    assert broken["tag-metrics"] == broken["samples"] == broken["tag-figures"] == ""
    again = page.choose(inspect_version="v0.2.0")
    assert again["tag-metrics"].partition("<tbody>")[2].count("<tr") == 4
    assert again["tag-figures"]


def test_the_history_shows_what_rests_on_enough_unless_asked(handlers):
    fill = handlers("performance", "fill")
    first = answer(fill)
    # The small data has no slice of ten test projects.
    assert first["history-metrics"].value == [
        "overall f1", "overall precision", "overall recall",
    ]  # fmt: skip
    assert "too few to tell" not in first["metric-history"]
    draw = handlers("performance", "draw")
    asked = answer(draw, history_metrics=["overall f1", "slices f1"])
    assert "slices f1 (n = " in asked["metric-history"]
    assert ": too few to tell)" in asked["metric-history"]
