"""What holds for every home of versions."""

import importlib.util
import subprocess

import pytest

from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions
from tagifai.store.history import PerformanceIndex
from tagifai.store.sources import read_files
from tagifai.store.versions import load_version, open_source

PREDICTIONS = Predictions.of(["1", "2"], ["train", "test"], ["cv"], [[1], [0]], [[0.75], [0.25]])
FULL = {
    "performance.json": b'{"overall": {"f1": 0.5, "num_samples": 1}, "class": {"cv": {"f1": 0.5}}}',
    "params.json": b'{"stem": false}',
    "thresholds.json": b'{"cv": 0.25}',
    "version.json": b'{"created": "2026-01-01T00:00:00Z"}',
    "predictions.npz": PREDICTIONS.to_bytes(),
    "model.skops": bytes(range(256)),
}
LEAST = {"performance.json": b'{"overall": {"f1": 0.25}}'}
BROKEN = {"performance.json": b'{"overall": {"f1": "x"}}'}


def folder(place, versions):
    source = open_source(str(place / "model"))
    for name, files in versions.items():
        source.write(name, files)
    return str(place / "model")


def git(place, versions):
    def run(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "tag.gpgSign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=place, check=True, capture_output=True)

    run("init", "--quiet")
    for name, files in versions.items():
        workspace = place / "model" / "workspace"
        workspace.mkdir(parents=True, exist_ok=True)
        for old in workspace.iterdir():
            old.unlink()
        for filename, content in files.items():
            (workspace / filename).write_bytes(content)
        run("add", "--all")
        run("commit", "--quiet", "--allow-empty", "-m", name)
        run("tag", name)
    return f"git:{place}"


def mlflow(place, versions):
    if importlib.util.find_spec("mlflow") is None:
        pytest.skip("mlflow is not installed: pip install -e '.[mlflow]'")
    spec = f"mlflow:sqlite:///{place}/mlflow.db"
    source = open_source(spec)
    for name, files in versions.items():
        source.write(name, files)
    return spec


@pytest.fixture(params=[folder, git, mlflow])
def home(request, tmp_path):
    def made(versions):
        return open_source(request.param(tmp_path, versions))

    return made


def test_names_come_in_version_order_with_the_workspace_last(home):
    source = home(dict.fromkeys(("workspace", "v0.10.0", "2021-03-12", "v0.9.0"), LEAST))

    assert source.names() == ["v0.9.0", "v0.10.0", "2021-03-12", "workspace"]


def test_a_version_comes_back_whole(home):
    source = home({"v1": FULL})
    version = load_version(source, "v1")

    assert read_files(source, "v1") == FULL
    assert version.params == {"stem": False}
    assert version.thresholds == {"cv": 0.25}
    assert version.info == {"created": "2026-01-01T00:00:00Z"}
    assert version.load_predictions().to_bytes() == FULL["predictions.npz"]
    assert version.read_model() == FULL["model.skops"]


def test_the_size_of_each_file_is_told(home):
    source = home({"v1": FULL, "v2": LEAST})

    assert source.sizes("v1") == {name: len(content) for name, content in FULL.items()}
    assert source.sizes("v2") == {name: len(content) for name, content in LEAST.items()}


def test_what_is_not_there_is_none(home):
    source = home({"v1": LEAST})
    version = load_version(source, "v1")

    assert source.read("v1", "params.json") is None
    assert source.stamp("v1", "params.json") is None
    assert source.stamp("v1", "performance.json") is not None
    assert (version.params, version.load_predictions(), version.read_model()) == ({}, None, None)


def test_fingerprints_tell_contents_apart(home):
    source = home({"v1": FULL, "v2": FULL, "v3": LEAST})

    assert source.fingerprint("v1") == source.fingerprint("v2")
    assert source.fingerprint("v1") != source.fingerprint("v3")


@pytest.mark.parametrize("name", ["v2", "", "..", "../v1", "a\0b", "x" * 5000])
def test_unknown_versions_are_refused_with_those_there_are(home, name):
    source = home({"v1": LEAST})

    with pytest.raises(TagifaiError, match=r"unknown version .*allowed: v1"):
        source.read(name, "performance.json")
    with pytest.raises(TagifaiError, match=r"unknown version file"):
        source.read("v1", "../secret")


def test_releases_are_not_overwritten(home):
    source = home({"v1": LEAST})

    with pytest.raises(TagifaiError, match=r"never changed|only read here"):
        source.write("v1", FULL)
    assert read_files(source, "v1") == LEAST


def test_a_broken_version_leaves_the_others(home):
    table = PerformanceIndex(home({"v1": BROKEN, "v2": LEAST})).history()

    assert [row.figures["overall f1"] for row in table] == [None, 0.25]
    assert table[0].error.startswith("v1/performance.json: overall.f1: a number")
