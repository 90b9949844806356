"""The endpoints that change something or show what may be changed, called over HTTP."""

import json
import shutil

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

OWN = {"host": "127.0.0.1:7860"}


@pytest.fixture
def bench(open_bench, small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    bench, _ = open_bench(data=tmp_path / "data", models=str(small_models))
    return bench


@pytest.fixture(scope="module")
def app(laid_out):
    return gr.mount_gradio_app(FastAPI(), laid_out[1], "/")


@pytest.fixture
def call(app, bench):
    """Call an endpoint; give its answer, or the message of its error."""

    def call(name, *data, **headers):
        own = {**OWN, **{key.replace("_", "-"): value for key, value in headers.items()}}
        with TestClient(app, client=("127.0.0.1", 50000), headers=own) as client:
            made = client.post(f"/gradio_api/call/{name}", json={"data": list(data)})
            told = client.get(f"/gradio_api/call/{name}/{made.json()['event_id']}").text
        kind, _, rest = told.partition("\n")
        answer = json.loads(rest.removeprefix("data: ").strip())
        return answer[0] if kind == "event: complete" else answer["error"]

    return call


def test_label_issues_are_listed_with_their_evidence(call):
    found = call("list_label_issues", "v0.2.0", "missing", "transformers", "test", "evidence", 1)
    assert (found["number"], len(found["items"])) == (1, min(10, found["num_found"]))
    first = found["items"][0]
    assert (first["tag"], first["kind"], first["split"]) == ("transformers", "missing", "test")
    assert {"probability", "named", "along", "neighbours", "text", "reviews"} <= set(first)
    assert "unknown kind of label error 'lost'" in call(
        "list_label_issues", "v0.2.0", "lost", "", "all", "evidence", 1
    )
    assert call("list_label_issues", "v0.2.0", "missing", "", "all", "evidence", 0) == (
        "a page is a whole number of 1 or more, got 0"
    )


def test_a_review_is_submitted_under_the_name_of_who_sits_at_the_machine(call, bench):
    kept = call("submit_review", "v0.2.0", "0", "transformers", "right", "by a program")
    assert (kept["reviewer"], kept["decision"], kept["note"]) == ("local", "right", "by a program")
    assert [event.uid for event in bench.reviews.events()] == [kept["uid"]]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"origin": "http://evil.example"}, "the request came from another site"),
        ({"sec_fetch_site": "cross-site"}, "the request came from another site"),
        ({"host": "evil.example", "origin": "http://evil.example"}, "reached from elsewhere"),
        ({"x_forwarded_for": "10.0.0.9"}, "reached from elsewhere"),
    ],
)
def test_who_may_not_write_submits_nothing(call, bench, headers, message):
    assert message in call("submit_review", "v0.2.0", "0", "transformers", "right", "", **headers)
    assert bench.reviews.events() == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["v9", "0", "transformers", "right", ""], "unknown version 'v9'"),
        (["v0.2.0", 0, "transformers", "right", ""], "project: str is needed, got int"),
        (["v0.2.0", "0", "transformers", "right", "x" * 2001], "note: at most 2,000 characters"),
        (["v0.2.0", "0", ["transformers"], "right", ""], "tag: str is needed, got list"),
    ],
)
def test_what_makes_no_sense_is_refused(call, bench, given, message):
    assert message in call("submit_review", *given)
    assert bench.reviews.events() == ()
