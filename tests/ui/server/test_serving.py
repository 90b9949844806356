"""The endpoints without the page, served as its users start them; what docs/api.md shows of it."""

import json
import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from urllib.request import urlopen

import gradio as gr
import pytest
from servers import ROOT, running

from tagifai import __version__
from tagifai.errors import TagifaiError
from tagifai.settings import Settings
from tagifai.ui.server.serving import check_mcp, describe_start, open_port, serve

DOCUMENT = (ROOT / "docs" / "api.md").read_text("utf-8")
EXAMPLE = "http://127.0.0.1:7860"
TOKEN = "a-token-of-the-tests"


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", DOCUMENT, re.M | re.S)


def shown_by(code):
    """Return the lines that an example says it prints."""
    return [line[2:] for line in code.splitlines() if line.startswith("# ")]


def fetch(url):
    with urlopen(url, timeout=20) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve-api")
    places = ["--reviews", folder / "reviews.sqlite", "--cache-dir", folder / "cache"]
    told = {"TAGIFAI_TOKEN": TOKEN}
    with running("-m", "tagifai", "serve-api", "--mcp", *places, variables=told) as server:
        yield server


@pytest.fixture(scope="module")
def endpoints(server):
    return fetch(f"{server.url}gradio_api/info")["named_endpoints"]


def test_a_load_balancer_is_told_the_health(server):
    assert fetch(f"{server.url}health") == {"status": "ok", "version": __version__}


def test_there_are_endpoints_and_no_page(server, endpoints):
    assert fetch(server.url)["endpoints"] == "gradio_api/info"
    widgets = {widget["type"] for widget in fetch(f"{server.url}config")["components"]}
    assert widgets == {"api"}
    assert list(endpoints) == [
        "/filter_tags", "/preprocess", "/predict", "/list_versions", "/get_params",
        "/get_performance", "/compare_versions", "/inspect_tag", "/list_label_issues",
        "/submit_review",
    ]  # fmt: skip


def test_the_start_is_said_in_lines(server):
    assert [*server.said] == [
        f"Endpoints at {server.url}?token={TOKEN}\n", f"MCP at {server.url}gradio_api/mcp/\n"
    ]  # fmt: skip


def test_examples_in_python_print_what_is_shown(server, monkeypatch):
    monkeypatch.setenv("TAGIFAI_TOKEN", TOKEN)
    program = "".join(blocks("python"))
    with redirect_stdout(StringIO()) as said:
        exec(program.replace(f"{EXAMPLE}/", server.url), {"__name__": "__main__"})
    assert said.getvalue().splitlines() == shown_by(program)
    assert len(shown_by(program)) == 14


def test_examples_in_the_shell_print_what_is_shown(server):
    for script in blocks("sh"):
        here = script.replace(EXAMPLE, server.url.rstrip("/"))
        done = subprocess.run(["bash", "-c", here], capture_output=True, text=True, timeout=60)
        assert done.stdout.splitlines()[:-1] == shown_by(script), done.stderr


def test_every_argument_is_documented_with_its_type_and_default(endpoints):
    kinds = {"integer": "int", "string": "str", "boolean": "bool"}
    for name, endpoint in endpoints.items():
        section = DOCUMENT.partition(f"### {name}\n")[2].partition("\n### ")[0]
        rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|(.*?)\|", section, re.M)
        declared = []
        for parameter in endpoint["parameters"]:
            (type_,) = (
                one["type"]
                for one in parameter["type"].get("oneOf", [parameter["type"]])
                if one["type"] != "null"
            )
            kind = kinds.get(type_, "list[str]")
            default = json.dumps(parameter["parameter_default"])
            if not parameter["parameter_has_default"]:
                default = ""
            elif len(default) > 20:
                default = "as in training"
            declared.append((parameter["parameter_name"], kind, default))
        assert [(a, b, c.strip(" `")) for a, b, c in rows] == declared, name


def test_without_a_network_the_link_is_missed_in_one_line_and_the_app_goes_on(small_data, tmp_path):
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
    words = ["gradio_app.py", "--data", small_data, "--models", tmp_path, "--no-cache", "--share"]
    with running(*words, variables=nowhere) as server:
        with urlopen(server.url, timeout=60) as page:
            assert b"gradio_config" in page.read()
        server.wait_to_say("No public link")
        told = [line for line in server.said if "public" in line]
    assert told == [
        "tagifai: the link is public: whoever has it sees the data and its texts; reviews are off "
        "(--auth-file and --reviewers turn them on)\n",
        "No public link could be made: is there a network? The app goes on at this machine.\n",
    ]


def test_mcp_names_what_to_install_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(TagifaiError, match=r"pip install -e \'\.\[mcp\]\'"):
        check_mcp()


def test_a_port_that_cannot_be_opened_is_one_line(server):
    taken = int(server.url.rstrip("/").rpartition(":")[2])
    with gr.Blocks() as demo, pytest.raises(TagifaiError, match=f"port {taken} of 127.0.0.1"):
        serve(demo, Settings(port=taken), say=print)
    with pytest.raises(TagifaiError, match=r"port 7860 of nowhere\.invalid cannot be opened"):
        open_port("nowhere.invalid", 7860)


def test_the_lines_name_where_the_app_is():
    told = describe_start(Settings(host="::", port=80, root_path="/x"), "https://a.example", False)
    assert told == [
        "tagifai at http://127.0.0.1:80/", "Behind a proxy at /x/",
        "Public link, for a week at most: https://a.example",
    ]  # fmt: skip


def test_dask_is_whole_before_there_are_threads():
    # skops imports it in one thread while scipy looks at it in another.
    pytest.importorskip("dask")
    program = (
        "import sys; from fastapi import FastAPI; from tagifai.settings import Settings\n"
        "from tagifai.ui.server.serving import Server\n"
        "Server(FastAPI(), Settings(port=0)).socket.close()\n"
        "print(hasattr(sys.modules['dask.array'], 'Array'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr
