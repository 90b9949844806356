"""The Inference tab: its handlers over real services."""

import json
import shutil

import gradio as gr
import pytest
from predictor_servers import Reply, answering

from tagifai.ui.events import Chosen

HERE = gr.Request(headers={"host": "127.0.0.1:7860"}, client={"host": "127.0.0.1"})
VERSION, TEXT = "v0.2.0", "Masks of regions"


@pytest.fixture
def handlers(open_bench, small_data, small_models):
    _, demo = open_bench(data=small_data, models=str(small_models))

    def handler(module, name):
        return next(
            event.fn
            for event in demo.fns.values()
            if event.name == name and event.fn.__module__ == f"tagifai.ui.tabs.{module}"
        )

    return handler


@pytest.fixture
def tab(handlers):
    return handlers("inference", "predict").__self__


@pytest.fixture
def fill(handlers, tab):
    def filled(query=None, version=None, tag="the likeliest", other="none", text="", edited=""):
        return handlers("inference", "fill")(HERE, query, None, version, tag, other, text, edited)

    return filled


def test_the_tab_begins_with_the_latest_version_and_fills_no_text_itself(tab, fill):
    shown = fill()
    assert shown[tab.version].value == VERSION
    assert [name for name, _ in shown[tab.version].choices] == ["workspace", VERSION, "v0.1.0"]
    assert (shown[tab.other].value, shown[tab.tag].value) == ("none", "the likeliest")
    assert [name for name, _ in shown[tab.form.expected].choices] == [
        name for name, _ in shown[tab.tag].choices
    ][1:]
    assert 'class="example"' in shown[tab.examples]
    # The page fills an empty box itself, and nobody's text is replaced.
    assert tab.text not in shown
    assert tab.what_if.edited not in shown


def test_a_link_sets_the_choices_and_names_what_it_cannot_set(tab, fill):
    shown = fill({"version": ["v0.1.0"], "tag": ["graphs"], "text": ["a text"], "other": ["v9"]})
    assert shown[tab.version].value == "v0.1.0"
    assert (shown[tab.text], shown[tab.what_if.edited]) == ("a text", "")
    assert (shown[tab.tag].value, shown[tab.other].value) == ("the likeliest", "none")
    assert "unknown tag &#39;graphs&#39;" in shown[tab.refused]
    assert "unknown other &#39;v9&#39;" in shown[tab.refused]
    assert shown[tab.route.query] is None  # it was followed
    assert shown[tab.text] != fill({})[tab.text] != ""
    # The next prediction leaves the message alone.
    assert tab.refused not in tab.predict("a text", VERSION, "the likeliest", "none", "")


def test_a_prediction_shows_why_and_what_an_edit_flips(tab):
    shown = tab.predict(TEXT, VERSION, "segmentation", "v0.1.0", "Camera photos")
    assert shown[tab.notice] == ""
    assert "log-odds of segmentation" in shown[tab.log_odds]
    assert shown[tab.preprocessed] == "masks regions"
    assert shown[tab.words].count('role="button"') == 2
    assert "<h4>Two versions, one text</h4>" in shown[tab.beside]
    assert "no longer predicted: segmentation" in shown[tab.what_if.flips]
    assert shown[tab.what_if.edited_words].count('role="button"') == 2
    alone = tab.predict(TEXT, VERSION, "segmentation", VERSION, "")
    assert alone[tab.beside] == alone[tab.what_if.flips] == ""
    assert set(alone) == set(shown) == {*tab.outputs, tab.working, tab.cancel}
    assert alone[tab.working] == ""


def test_a_text_without_a_word_is_not_explained(tab):
    shown = tab.predict("the of", VERSION, "segmentation", "none", "")
    assert shown[tab.words] == shown[tab.log_odds] == shown[tab.preprocessed] == ""
    assert "there is no word to predict from" in shown[tab.predicted]


def test_an_error_empties_the_tab_and_is_named(tab):
    shown = tab.predict("x" * 20_001, VERSION, "segmentation", "none", "")
    assert "20,001 characters; at most 20,000" in shown.pop(tab.notice)
    assert not shown.pop(tab.cancel).visible
    assert set(shown.values()) == {""}
    # Without a version, what the tab said when it was filled stays.
    assert tab.notice not in tab.predict(TEXT, None, "segmentation", "none", "")


def test_a_tag_of_the_version_before_is_given_up(tab):
    shown = tab.choose_version(VERSION, "graphs")
    assert shown[tab.tag].value == "the likeliest"
    assert tab.choose_version(VERSION, "segmentation")[tab.tag].value == "segmentation"


def test_a_chosen_word_is_dropped_or_replaced(tab):
    def edited(action, instead, key):
        event = Chosen(None, {"key": key})
        return tab.what_if.edit_word(TEXT, VERSION, action, instead, event)

    assert edited("drops it", "ignored", "0") == "of regions"
    assert edited("replaces it by", " photos ", "1") == "Masks of photos"
    assert edited("drops it", "", "no number") == gr.skip()


def test_changes_that_flip_the_tag_are_found_or_it_says_why_not(tab):
    found = tab.what_if.show_changes("Masks", VERSION, "segmentation")
    assert "Smallest changes by which segmentation is no longer predicted" in found
    assert tab.what_if.show_changes("the", VERSION, "segmentation") == (
        '<p class="note">There is no word to change.</p>'
    )
    assert "unknown version" in tab.what_if.show_changes("Masks", "v9", "segmentation")


def test_many_texts_end_with_a_table_and_two_files(handlers, tmp_path):
    predict = handlers("inference_many", "predict")
    part = predict.__self__
    started, done, last = predict(VERSION, "Masks\nthe\nphotos", "one text a line", None, HERE)
    assert "0 of 3 texts" in started[part.progress]
    assert started[part.table] == ""
    assert started[part.as_csv].visible is False
    assert set(done) == {part.progress}
    assert "3 of 3 texts" in last[part.progress]
    assert last[part.table].count("<tr") == 4
    assert last[part.as_csv].value["path"].endswith(f"predictions-{VERSION}.csv")
    assert last[part.as_jsonl].visible
    assert not part.runs._runs

    file = tmp_path / "texts.csv"
    file.write_text("text\nMasks\n")
    *_, last = predict(VERSION, "ignored", "one text a line", str(file), HERE)
    assert "1 of 1 texts" in last[part.progress]
    (failed,) = predict(VERSION, "", "CSV", None, HERE)
    assert 'role="alert"' in failed[part.progress]


def test_a_run_stops_where_its_visitor_cancels_it(handlers):
    predict, cancel = handlers("inference_many", "predict"), handlers("inference_many", "cancel")
    run = predict(VERSION, "Masks\n" * 1_100, "one text a line", None, HERE)
    next(run)
    cancel(HERE)
    *_, last = run
    assert "Cancelled after 500 of 1,100 texts" in last[predict.__self__.progress]


def write_foreign(models, name, spec):
    """Copy a version that keeps no model of ours, but names a predictor."""
    shutil.copytree(models / VERSION, models / name)
    (models / name / "model.skops").unlink()
    kind, _, source = spec.partition(":")
    described = {"kind": kind, "source": source}
    (models / name / "predictor.json").write_text(json.dumps(described))


@pytest.fixture
def behind_server(open_bench, small_data, small_models, tmp_path):
    """The tab over a version whose predictor is a server."""
    shutil.copytree(small_models, tmp_path / "model")
    info = json.loads((tmp_path / "model" / VERSION / "version.json").read_text())

    def respond(_, sent):
        rows = [[0.9 if tag in text else 0.05 for tag in info["tags"]] for text in sent["texts"]]
        return Reply({"tags": info["tags"], "probabilities": rows})

    with answering(respond) as server:
        spec = f"http:{server.url}/tag"
        write_foreign(tmp_path / "model", "v9.0.0", spec)
        _, demo = open_bench(
            data=small_data, models=str(tmp_path / "model"), allow_predictor=(spec,)
        )
        predict = next(
            event.fn
            for event in demo.fns.values()
            if event.name == "predict" and event.fn.__module__ == "tagifai.ui.tabs.inference"
        )
        yield predict.__self__, server


def merged(parts):
    shown = {}
    for part in parts:
        shown |= part
    return shown


def test_a_server_is_asked_once_for_tags_and_for_reasons_only_where_the_person_says_so(
    behind_server,
):
    tab, server = behind_server
    question = ["about segmentation of masks", "v9.0.0", "segmentation", "none", ""]
    at_once = tab.predict(*question)
    # Nobody asks a server with every letter that is typed.
    assert at_once[tab.marker]
    assert server.asked == []
    shown = merged(tab.go_on(at_once[tab.marker], *question, HERE))
    assert "segmentation" in shown[tab.predicted]
    assert shown[tab.by_server].visible is True
    assert shown[tab.words].count('role="button"') == 4
    assert "asking the server" in shown[tab.log_odds]
    sent = [text for _, body in server.asked for text in body["texts"]]
    assert sent.count(question[0]) == 1
    assert len(sent) <= 2  # the adapter may ask about a text of its own, to count the columns
    explained = merged(tab.explain_by_server(*question, HERE))
    assert "Shapley values of words, 16 texts asked" in explained[tab.log_odds]
    assert explained[tab.by_server].visible is False
    assert 'class="word raises"' in explained[tab.words]
    # What is known is shown at once, and for another tag.
    asked = len(server.asked)
    again = tab.predict(question[0], "v9.0.0", "the likeliest", "none", "")
    assert "Shapley" in again[tab.log_odds]
    assert tab.marker not in again
    assert len(server.asked) == asked


def test_a_predictor_that_is_not_allowed_names_the_flag_at_once(
    open_bench, small_data, small_models, tmp_path
):
    shutil.copytree(small_models, tmp_path / "model")
    write_foreign(tmp_path / "model", "v9.0.0", "python:some_module:tagger")
    _, demo = open_bench(data=small_data, models=str(tmp_path / "model"))
    predict = next(
        event.fn
        for event in demo.fns.values()
        if event.name == "predict" and event.fn.__module__ == "tagifai.ui.tabs.inference"
    )
    tab = predict.__self__
    shown = tab.predict(TEXT, "v9.0.0", "segmentation", "none", "")
    assert "--allow-predictor &#39;python:some_module:tagger&#39;" in shown[tab.notice]
    assert shown[tab.predicted] == shown[tab.words] == ""
    # The rest goes on.
    assert "<table" in shown[tab.similar]
