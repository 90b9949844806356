import json
import shutil

import gradio as gr
import pytest
from predictor_servers import Reply, answering

from tagifai.services.app import Services
from tagifai.settings import Settings
from tagifai.ui.links import Route
from tagifai.ui.tabs.performance import PerformanceTab

HERE = gr.Request(headers={"host": "127.0.0.1:7860"}, client={"host": "127.0.0.1"})


@pytest.fixture
def tab(small_data, small_models):
    return tab_over(small_data, small_models)


def tab_over(data, models, **more):
    settings = Settings(data=data, models=str(models), no_cache=True, **more)
    with gr.Blocks():
        tab = PerformanceTab(Services(settings), Route("performance", "", []))
        tab.build()
    return tab


def told(values):
    return {component.elem_id: value for component, value in values.items()}


def test_a_comparison_fills_every_part_that_it_says(tab):
    comparison = tab.comparison
    shown = comparison.compare("v0.1.0", "v0.2.0", "f1", True, "")
    assert set(shown) == {*comparison.outputs, comparison.tag_table.controls}
    parts = told(shown)
    assert "Can't tell v0.2.0 from v0.1.0" in parts["verdict"].replace("<b>", "").replace(
        "</b>", ""
    )
    assert "Overall f1: v0.2.0 − v0.1.0" in parts["metric-diff"]
    assert parts["tag-diffs"].count("data-key=") == 4
    assert "Version B: v0.2.0" in parts["version-b-card"]
    assert parts["flips"] == ""


def test_what_cannot_be_compared_leaves_nothing_of_the_last_comparison(tab):
    shown = tab.comparison.compare("v0.1.0", "v0.1.0", "f1", True, "")
    assert set(shown) == set(tab.comparison.outputs)
    verdict = shown.pop(tab.comparison.verdict)
    assert "choose two different versions" in verdict
    assert set(shown.values()) == {""}
    alone = tab.comparison.compare("v0.1.0", None, "f1", True, "")
    assert "There is only one version" in alone[tab.comparison.verdict]


def test_a_link_to_a_tag_opens_its_flips(tab):
    tag = tab.services.comparisons.flips("v0.1.0", "v0.2.0", None)[0].flip.tag
    shown = tab.comparison.compare("v0.1.0", "v0.2.0", "f1", True, "", tag)
    assert shown[tab.comparison.tag] == tag
    assert f"Decisions on {tag} that B fixed" in shown[tab.comparison.flips]


def test_parameters_are_searched_alone(tab):
    found = tab.comparison.search_params("v0.1.0", "v0.2.0", True, "seed")
    assert list(found) == [tab.comparison.params]
    assert "No hyperparameter matches." in found[tab.comparison.params]


def test_metrics_without_a_choice_are_the_key_ones(tab):
    shown = tab.history.draw([])
    assert shown == tab.history.draw(
        [
            "overall f1",
            "overall precision",
            "overall recall",
            "slices f1",
            "slices precision",
            "slices recall",
        ]
    )
    unknown = tab.history.draw(["overall luck"])
    assert "unknown metric" in unknown[tab.history.chart]
    assert unknown[tab.history.table] == ""


@pytest.mark.parametrize(
    ("write", "name", "start"),
    [
        ("write_markdown", "v0.1.0-v0.2.0.md", "# v0"),
        ("write_json", "v0.1.0-v0.2.0.json", '{\n  "a": "v0.1.0"'),
        ("write_report", "v0.1.0-v0.2.0.html", "<!doctype html>"),
    ],
)
def test_a_saved_file_is_named_after_both_versions(tab, write, name, start):
    exports = tab.comparison.exports
    (packed,) = getattr(exports, write)("v0.1.0", "v0.2.0").values()
    saved = json.loads(packed)
    assert saved["name"] == name
    assert saved["text"].startswith(start)
    with pytest.raises(gr.Error, match="choose two different versions"):
        getattr(exports, write)("v0.1.0", "v0.1.0")


def test_our_own_model_runs_all_behavioral_tests_and_says_whose_they_are(tab):
    part = tab.comparison.behavioral
    begun, *_, ended = part.show("v0.1.0", "v0.2.0", "version B", HERE)
    assert "Asking the predictor" in begun[part.working]
    assert set(ended) == set(part.outputs)
    assert 'class="headline">v0.2.0: <b>' in ended[part.results]
    assert "drawn at random" not in ended[part.results]
    assert (ended[part.working], ended[part.cancel].visible, ended[part.more].visible) == (
        "", False, False,
    )  # fmt: skip
    *_, other = part.show("v0.1.0", "v0.2.0", "version A", HERE)
    assert 'class="headline">v0.1.0: <b>' in other[part.results]
    *_, failed = part.show("v9", "v0.2.0", "version A", HERE)
    assert "unknown version" in failed[part.results]


@pytest.fixture
def behind_server(small_data, small_models, tmp_path):
    """The tab over a version whose predictor is a server, and that server."""
    shutil.copytree(small_models, tmp_path / "model")
    tags = json.loads((tmp_path / "model/v0.2.0/version.json").read_text())["tags"]

    def respond(_, sent):
        rows = [[0.9 if tag in text else 0.05 for tag in tags] for text in sent["texts"]]
        return Reply({"tags": tags, "probabilities": rows})

    with answering(respond) as server:
        spec = f"http:{server.url}/tag"
        described = {"kind": "http", "source": f"{server.url}/tag"}
        (tmp_path / "model/v0.2.0/model.skops").unlink()
        (tmp_path / "model/v0.2.0/predictor.json").write_text(json.dumps(described))
        yield tab_over(small_data, tmp_path / "model", allow_predictor=(spec,)), server


def texts_asked(server):
    return {text for _, body in server.asked for text in body["texts"]}


def test_a_server_is_asked_within_a_budget_and_about_the_rest_where_somebody_says_so(
    behind_server, monkeypatch
):
    tab, server = behind_server
    monkeypatch.setattr("tagifai.ui.tabs.performance_behavioral.TEST_BUDGET", 20)
    part = tab.comparison.behavioral
    *_, few = part.show("v0.1.0", "v0.2.0", "version B", HERE)
    assert "They were drawn at random" in few[part.results]
    assert few[part.more].visible
    assert len(texts_asked(server)) <= 21  # the adapter may ask about a text of its own
    *_, everything = part.show_all("v0.1.0", "v0.2.0", "version B", HERE)
    assert "drawn at random" not in everything[part.results]
    assert not everything[part.more].visible


def test_a_cancelled_run_shows_what_was_answered_and_a_superseded_one_nothing(behind_server):
    tab, _ = behind_server
    part = tab.comparison.behavioral

    run = part.show_all("v0.1.0", "v0.2.0", "version B", HERE)
    next(run)
    part.stop(HERE)
    *_, ended = run
    assert "Cancelled" in ended[part.results]
    assert not ended[part.cancel].visible

    run = part.show_all("v0.1.0", "v0.2.0", "version B", HERE)
    next(run)
    # Another version is chosen.
    assert part.clear(HERE)[part.results] == ""
    *_, ended = run
    assert ended == {part.working: gr.skip()}
    assert not part.runs._runs
