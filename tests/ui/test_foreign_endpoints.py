"""The endpoints, over HTTP and MCP, with versions of predictors that nobody here wrote."""

import asyncio
import json
import shutil
import sys
from urllib.request import Request, urlopen

import pytest
from predicting import NAMES, add_foreign
from servers import running
from small_corpus import small_dataset

VERDICTS = {"better", "worse", "unchanged", "too few", "can't tell", None}
PERMISSION = "python:foreign_tagger:tagger"
TEXT = small_dataset(80).projects[3].text


@pytest.fixture(scope="module")
def home(tmp_path_factory, small_data, small_models):
    """A home of versions: our own, somebody's pipeline, and a Python callable."""
    folder = tmp_path_factory.mktemp("foreign")
    shutil.copytree(small_data, folder / "data")
    shutil.copytree(small_models, folder / "model")
    sys.path.insert(0, str(folder))
    pipeline = add_foreign(folder, "v1.0.0-pipeline", "sklearn")
    module = add_foreign(folder, "v1.1.0-callable", "python")
    sys.path.remove(str(folder))
    yield folder, {"v1.0.0-pipeline": pipeline, "v1.1.0-callable": module.tagger}
    sys.modules.pop("foreign_tagger", None)


def places(home):
    folder, _ = home
    return [
        "--data",
        folder / "data",
        "--models",
        folder / "model",
        "--cache-dir",
        folder / "cache",
    ]


@pytest.fixture(scope="module")
def server(home):
    variables = {"PYTHONPATH": str(home[0])}
    words = ["-m", "tagifai", "serve-api", "--mcp", *places(home), "--allow-predictor", PERMISSION]
    with running(*words, variables=variables) as server:
        yield server


def call(server, name, *data):
    """Call an endpoint; return its answer, or the message of its error."""
    url = f"{server.url}gradio_api/call/{name}"
    body = json.dumps({"data": list(data)}).encode()
    with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=60) as made:
        event = json.load(made)["event_id"]
    with urlopen(f"{url}/{event}", timeout=120) as told:
        kind, _, rest = told.read().decode().partition("\n")
    answer = json.loads(rest.removeprefix("data: ").strip())
    return answer[0] if kind == "event: complete" else answer["error"]


@pytest.mark.parametrize("version", ["v1.0.0-pipeline", "v1.1.0-callable"])
def test_each_endpoint_answers_of_a_foreign_version(server, home, version):
    predictor = home[1][version]
    found = call(server, "predict", [TEXT, "  "], version)
    (first, empty) = found["predictions"]
    expected = dict(zip(NAMES, predictor.predict_proba([TEXT])[0], strict=True))
    assert first["probabilities"] == pytest.approx(expected, abs=1e-6)
    assert (found["version"], empty["tags"]) == (version, [])
    assert all(expected[tag] >= first["thresholds"][tag] for tag in first["tags"])
    listed = {row["version"]: row for row in call(server, "list_versions")}
    assert listed[version]["error"] is None
    assert call(server, "get_params", version) == {}
    assert call(server, "get_performance", version)["class"].keys() == set(NAMES)
    compared = call(server, "compare_versions", "v0.2.0", version)
    assert {row["verdict"] for row in compared["overall"]} <= VERDICTS
    inspected = call(server, "inspect_tag", version, "transformers", "tp", "confident", 1)
    assert inspected["figures"]["tag"] == "transformers"
    assert inspected["num_found"] == inspected["figures"]["tp"]
    assert len(inspected["items"]) == min(10, inspected["num_found"])
    issues = call(server, "list_label_issues", version, "missing", "", "test", "evidence", 1)
    assert issues["number"] == 1


def test_the_latest_that_can_predict_is_asked(server):
    assert call(server, "predict", [TEXT], "")["version"] == "v1.1.0-callable"


def test_tools_of_mcp_answer_of_a_foreign_version(server, home):
    mcp = pytest.importorskip("mcp")
    from mcp.client.streamable_http import streamablehttp_client

    async def ask():
        address = f"{server.url}gradio_api/mcp/"
        async with (
            streamablehttp_client(address) as (reads, writes, _),
            mcp.ClientSession(reads, writes) as session,
        ):
            await session.initialize()
            tools = [tool.name for tool in (await session.list_tools()).tools]
            found = {}
            for version in home[1]:
                for name, arguments in (
                    ("predict", {"texts": [TEXT], "version": version}),
                    ("inspect_tag", {"version": version, "tag": "transformers"}),
                    ("compare_versions", {"version_a": "v0.2.0", "version_b": version}),
                    ("get_performance", {"version": version}),
                ):
                    (tool,) = [full for full in tools if full.endswith(name)]
                    answer = await session.call_tool(tool, arguments)
                    assert not answer.isError, answer
                    found[version, name] = json.loads(answer.content[0].text)
            return found

    found = asyncio.run(ask())
    for version, predictor in home[1].items():
        (first,) = found[version, "predict"]["predictions"]
        expected = dict(zip(NAMES, predictor.predict_proba([TEXT])[0], strict=True))
        assert first["probabilities"] == pytest.approx(expected, abs=1e-6)
        assert found[version, "inspect_tag"]["figures"]["tag"] == "transformers"
        rows = found[version, "compare_versions"]["overall"]
        assert {row["verdict"] for row in rows} <= VERDICTS


def test_without_permission_code_does_not_run_and_the_rest_answers(home):
    with running("-m", "tagifai", "serve-api", *places(home)) as server:
        message = call(server, "predict", [TEXT], "v1.1.0-callable")
        assert f"--allow-predictor '{PERMISSION}'" in message
        assert call(server, "predict", [TEXT], "")["version"] == "v1.0.0-pipeline"
        found = call(server, "inspect_tag", "v1.1.0-callable", "transformers", "fn", "random", 1)
        assert found["figures"]["tag"] == "transformers"
