"""Versions on a Hub, which a server on this machine plays."""

import json
import warnings
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hub_server import FakeHub, Repository, running_hub

from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits
from tagifai.store.hub_source import HubSource
from tagifai.store.versions import load_version, open_source

PERFORMANCE = {
    "overall": {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "num_samples": 8},
    "class": {"nlp": {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "num_samples": 8}},
    "slices": {"overall": {"precision": None, "recall": None, "f1": None}, "class": {}},
}


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[FakeHub]:
    with running_hub() as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield made


@pytest.fixture
def hub(server) -> Repository:
    made = server.add("models/ann/tagger")
    made.branches["main"] = {"README.md": b"# A tagger"}
    return made


def performance(f1: float) -> bytes:
    return json.dumps({**PERFORMANCE, "overall": {**PERFORMANCE["overall"], "f1": f1}}).encode()


def test_tags_and_branches_with_figures_are_versions(hub):
    hub.tags |= {
        "v0.10.0": {"performance.json": performance(0.25)},
        "v0.2.0": {
            "model/workspace/performance.json": performance(0.5),
            "model/workspace/params.json": b'{"seed": 3}',
            "model/performance.json": performance(0.75),
        },
        "docs": {"README.md": b"nothing else"},
    }
    hub.branches["dev"] = {"model/performance.json": performance(0.125)}
    source = open_source("hf:ann/tagger")
    assert source.location == "hf:ann/tagger"
    assert source.names() == ["dev", "v0.2.0", "v0.10.0"]
    version = load_version(source, "v0.2.0")
    assert version.performance["overall"]["f1"] == 0.5
    assert json.loads(source.read("v0.2.0", "params.json")) == {"seed": 3}
    assert source.read("v0.10.0", "params.json") is None
    assert source.sizes("v0.10.0") == {"performance.json": len(performance(0.25))}
    assert source.stamp("v0.10.0", "performance.json") != source.stamp("dev", "performance.json")
    assert source.fingerprint("v0.10.0") != source.fingerprint("dev")
    with pytest.raises(TagifaiError, match=r"unknown version 'v9'.*v0\.10\.0"):
        source.read("v9", "params.json")
    with pytest.raises(TagifaiError, match="hf:ann/tagger is only read here"):
        source.write("v1", {})


def test_a_file_is_fetched_once_and_serves_without_a_network(hub, server):
    hub.tags["v1.0.0"] = {"performance.json": performance(0.5)}
    assert HubSource("ann/tagger").read("v1.0.0", "performance.json") == performance(0.5)
    asked = len(server.requests)
    again = HubSource("ann/tagger")
    assert again.read("v1.0.0", "performance.json") == performance(0.5)
    # The tags are asked for again, since they may have moved; files and their list are not.
    assert server.requests[asked:] == ["GET /api/models/ann/tagger/refs"]
    server.close()
    with pytest.warns(RuntimeWarning, match="cannot be reached.*listed last are shown"):
        offline = HubSource("ann/tagger").read("v1.0.0", "performance.json")
    assert offline == performance(0.5)
    with pytest.raises(TagifaiError, match="hf:ann/other: the Hub cannot be reached"):
        HubSource("ann/other").names()


def test_a_moved_tag_is_another_version(hub):
    hub.tags["v1.0.0"] = {"performance.json": performance(0.5)}
    source = HubSource("ann/tagger", fetch_every=0)
    before = source.fingerprint("v1.0.0")
    hub.tags["v1.0.0"] = {"performance.json": performance(0.75)}
    assert source.names() == ["v1.0.0"]
    assert source.fingerprint("v1.0.0") != before
    assert source.read("v1.0.0", "performance.json") == performance(0.75)


def test_one_revision_alone(hub):
    hub.tags |= {name: {"performance.json": performance(0.5)} for name in ("v1", "v2")}
    assert HubSource("ann/tagger@v2").names() == ["v2"]
    with pytest.raises(TagifaiError, match=r"unknown revision of hf:ann/tagger 'v3'"):
        HubSource("ann/tagger@v3").names()


@pytest.mark.parametrize("gated", [False, True])
def test_a_token_opens_what_is_private_or_gated(hub, server, monkeypatch, gated):
    hub.tags["v1"] = {"performance.json": performance(0.5)}
    server.token, server.gated = "hf_secret", gated
    why = "is gated: accept its terms" if gated else "no such repository, or a private one"
    with pytest.raises(TagifaiError, match=f"hf:ann/tagger: .*{why}.*HF_TOKEN"):
        HubSource("ann/tagger").names()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert HubSource("ann/tagger").names() == ["v1"]


def test_a_file_that_is_too_large_is_not_fetched(hub, server):
    hub.tags["v1"] = {"performance.json": b" " * 2_000_000 + performance(0.5)}
    source = HubSource("ann/tagger", replace(Limits(), file=Limit("max_file", 1_000_000)))
    with pytest.raises(TagifaiError, match=r"hf:ann/tagger: v1/performance\.json.*--max-file"):
        source.read("v1", "performance.json")
    assert not any("resolve" in path for path in server.requests)


@pytest.mark.parametrize("where", ["", "tagger", "a/b/c", "../etc", "ann/tagger@", "ann/tag ger"])
def test_what_is_no_repository_is_refused(where):
    with pytest.raises(TagifaiError, match=r"written hf:ORG/NAME"):
        HubSource(where)


def test_a_repository_without_versions_says_so(hub):
    source = HubSource("ann/tagger")
    with warnings.catch_warnings(action="error"):
        assert source.names() == []
    assert "1 tag or branch, none with one of performance.json" in source.why_none()
