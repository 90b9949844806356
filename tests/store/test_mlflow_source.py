import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tagifai.errors import TagifaiError
from tagifai.store.history import PerformanceIndex
from tagifai.store.mlflow_source import MlflowSource
from tagifai.store.versions import load_version, open_source

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12\n"
PERFORMANCE = b'{"overall": {"f1": 0.5}}'
needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None,
    reason="mlflow is not installed: pip install -e '.[mlflow]'",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
         "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
         "--artifacts-destination", str(folder / "artifacts")],
        stdout=log, stderr=log, cwd=folder, start_new_session=True,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{url}/health", timeout=1)
            break
        except OSError:
            assert process.poll() is None, (folder / "log.txt").read_text()
            time.sleep(0.25)
    yield url
    os.killpg(process.pid, 15)
    process.wait(30)
    log.close()


@pytest.fixture(params=["http", "sqlite"])
def source(request, tmp_path):
    if request.param == "http":
        return MlflowSource(f"{request.getfixturevalue('server')}#{tmp_path.name}")
    return MlflowSource(f"sqlite:///{tmp_path}/mlflow.db")


@needs_mlflow
def test_a_release_goes_there_and_comes_back(source):
    files = {
        "performance.json": PERFORMANCE,
        "params.json": b'{"C": 1, "stem": null}',
        "model.skops": bytes(range(256)) * 1000,
    }
    source.write("v0.10.0", files)
    source.write("v0.9.0", {"performance.json": PERFORMANCE})
    source.write("workspace", files)

    fresh = open_source(f"mlflow:{source.uri}#{source.name}")
    assert fresh.names() == ["v0.9.0", "v0.10.0", "workspace"]
    version = load_version(fresh, "v0.10.0")
    assert version.params == {"C": 1, "stem": None}
    assert version.read_model() == files["model.skops"]
    assert version.load_predictions() is None
    assert fresh.fingerprint("v0.10.0") == fresh.fingerprint("workspace")
    assert fresh.fingerprint("v0.10.0") != fresh.fingerprint("v0.9.0")
    with pytest.raises(TagifaiError, match=r"version 'v0\.9\.0' exists in mlflow:.*never changed"):
        fresh.write("v0.9.0", files)


@needs_mlflow
def test_why_there_is_no_version_and_what_write_would_refuse(source):
    assert source.names() == []
    assert source.why_none() == (
        f"no finished run of the experiment {source.name!r} and no registered version of the model "
        f"{source.name!r} has a performance.json; #NAME after the address names others"
    )
    source.check_writable("v1")
    source.write("v1", {"performance.json": PERFORMANCE, "model.skops": POINTER})
    source.check_writable("workspace")
    with pytest.raises(TagifaiError, match=r"version 'v1' exists in mlflow:.*never changed"):
        source.check_writable("v1")
    with pytest.raises(TagifaiError, match=r"v1/model\.skops: a Git LFS pointer, .*\(12 bytes\)"):
        load_version(source, "v1").read_model()


@needs_mlflow
def test_the_workspace_is_replaced(source):
    index = PerformanceIndex(source)
    source.write("workspace", {"performance.json": PERFORMANCE, "params.json": b"{}"})
    assert index.history()[0].figures["overall f1"] == 0.5
    source.write("workspace", {"performance.json": PERFORMANCE.replace(b"5", b"6")})

    assert [row.figures["overall f1"] for row in index.history()] == [0.6]
    assert source.read("workspace", "params.json") is None


@needs_mlflow
def test_runs_that_others_logged_are_versions(source, tmp_path):
    client = source._client
    source.write("v1", {"performance.json": PERFORMANCE})
    experiment = client.get_experiment_by_name(source.name).experiment_id
    (tmp_path / "performance.json").write_bytes(PERFORMANCE)
    for name, ended, logged in [("a", True, True), ("b", False, True), ("c", True, False)]:
        run_id = client.create_run(experiment, run_name=name).info.run_id
        if logged:
            client.log_artifact(run_id, str(tmp_path / "performance.json"))
        if ended:
            client.set_terminated(run_id)

    assert source.names() == ["a", "v1"]
    assert load_version(source, "a").performance["overall"] == {"f1": 0.5}


@needs_mlflow
def test_parameters_and_figures_stand_in_mlflows_own_tables(source):
    params = json.dumps({"filters": "x" * 600, "C": 1}).encode()
    source.write("v1", {"performance.json": PERFORMANCE, "params.json": params})
    experiment = source._client.get_experiment_by_name(source.name).experiment_id
    (run,) = source._client.search_runs([experiment])

    assert run.data.params == {"filters": "x" * 500, "C": "1"}
    assert run.data.metrics == {"f1": 0.5}


@needs_mlflow
def test_unknown_names_are_refused(source):
    source.write("v1", {"performance.json": PERFORMANCE})

    with pytest.raises(TagifaiError, match=r"unknown version '\.\./v1'.*allowed: v1"):
        source.read("../v1", "performance.json")
    with pytest.raises(TagifaiError, match="unknown version file"):
        source.read("v1", "../performance.json")
    with pytest.raises(TagifaiError, match="a name is 1 to 100"):
        source.write("a/b", {})


@needs_mlflow
def test_a_server_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    with pytest.raises(TagifaiError, match=r"^mlflow:http://127\.0\.0\.1:9: "):
        MlflowSource("http://me:secret@127.0.0.1:9").names()


@pytest.mark.parametrize("uri", ["", "ftp://host", "databricks", "file:///tmp", "/tmp/mlruns"])
def test_other_places_are_refused(uri):
    with pytest.raises(TagifaiError, match="unknown kind of place; allowed: mlflow:http://"):
        MlflowSource(uri)


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is not None, reason="mlflow is installed")
def test_without_mlflow_it_says_how_to_install_it():
    with pytest.raises(TagifaiError, match=r"pip install -e \'\.\[mlflow\]\'"):
        MlflowSource("http://127.0.0.1:9")
