"""Thresholds that are saved: in the workspace, or for a release in its copy."""

import json
import shutil
import subprocess

import pytest
from predicting import add_foreign

from tagifai.errors import TagifaiError
from tagifai.models.predictor import PredictionCancelled
from tagifai.permissions import Visit
from tagifai.services.data import DataService
from tagifai.services.inspection import InspectionService
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource
from tagifai.store.versions import open_source
from tagifai.training.releases import release_workspace

HERE = Visit("127.0.0.1:7860", "127.0.0.1", origin="http://127.0.0.1:7860", owner=True)
TAG = "transformers"


@pytest.fixture
def home(small_data, small_models, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    return tmp_path


def open_home(home):
    source, cache = FolderSource(home / "model"), ContentCache(open_memory(None))
    allowed = ["python:foreign_tagger:tagger"]
    data = DataService(home / "data")
    return InspectionService(VersionService(source, cache, data, allow_predictor=allowed))


@pytest.fixture
def foreign(home):
    """A service whose workspace is somebody's function."""
    shutil.rmtree(home / "model/workspace")
    add_foreign(home, "workspace", "python")
    return open_home(home)


def read(home, file):
    return json.loads((home / "model" / file).read_bytes())


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_threshold_of_a_foreign_workspace_is_saved_and_its_tests_run_again(foreign, home):
    before = (home / "model/workspace/predictor.json").read_bytes()
    steps = []
    message = foreign.save_threshold("workspace", TAG, 0.99, HERE, lambda *step: steps.append(step))
    assert message == "Kept: workspace predicts transformers from 0.990 on, everywhere."
    assert steps
    assert (home / "model/workspace/predictor.json").read_bytes() == before
    performance = read(home, "workspace/performance.json")
    row = foreign.threshold_metrics("workspace", TAG, 0.99)
    assert performance["class"][TAG]["f1"] == row.f1
    assert performance["behavioral"]["num_samples"] > 10
    assert foreign.threshold_of("workspace", TAG) == 0.99
    with pytest.raises(PredictionCancelled):
        foreign.save_threshold("workspace", TAG, 0.5, HERE, cancelled=lambda: True)
    assert foreign.threshold_of("workspace", TAG) == 0.99


def test_without_its_predictor_behavioral_tests_are_left_out_and_said(foreign, home):
    (home / "model/workspace/predictor.json").unlink()
    message = foreign.save_threshold("workspace", TAG, 0.25, HERE)
    assert "Behavioral tests are left out: version 'workspace' keeps no model" in message
    performance = read(home, "workspace/performance.json")
    assert not performance["behavioral"]["num_samples"]
    assert set(performance["slices"]["class"]) == set(foreign.versions.slices())


def test_a_threshold_of_a_release_is_saved_in_its_copy_the_workspace(home):
    shutil.rmtree(home / "model/workspace")
    add_foreign(home, "v1.0.0", "sklearn")
    # As somebody's folder may hold it: beside the version's other files.
    shutil.move(home / "pipe.skops", home / "model/v1.0.0/pipe.skops")
    described = home / "model/v1.0.0/predictor.json"
    described.write_text(json.dumps(json.loads(described.read_text()) | {"source": "pipe.skops"}))
    desk = open_home(home)
    before = contents(home / "model/v1.0.0")
    assert desk.why_fixed("v1.0.0") == ""
    message = desk.save_threshold("v1.0.0", TAG, 0.3, HERE)
    assert message == (
        "Kept: workspace predicts transformers from 0.300 on, everywhere. It has the model of "
        "v1.0.0, which itself never changes."
    )
    assert contents(home / "model/v1.0.0") == before
    assert desk.threshold_of("workspace", TAG) == 0.3
    info = read(home, "workspace/version.json")
    assert (info["name"], info["notes"]) == ("workspace", "v1.0.0 with other thresholds.")
    text = ["about transformers"]
    workspace, release = (
        desk.versions.predictor(name).predict_proba(text) for name in ("workspace", "v1.0.0")
    )
    assert workspace.tolist() == release.tolist()
    # A second one is added to the first.
    other = next(tag for tag in desk.versions.predictions("v1.0.0").tags if tag != TAG)
    desk.save_threshold("v1.0.0", other, 0.2, HERE)
    assert (desk.threshold_of("workspace", TAG), desk.threshold_of("workspace", other)) == (
        0.3,
        0.2,
    )


def test_a_workspace_that_no_release_holds_is_not_overwritten(home):
    desk = open_home(home)
    desk.save_threshold("workspace", TAG, 0.77, HERE)
    before = contents(home / "model/workspace")
    assert desk.why_fixed("v0.1.0") == (
        "a release is never changed; its thresholds are kept in 'workspace', which has another "
        "model that no release holds: `tagifai release NAME` makes it one"
    )
    with pytest.raises(TagifaiError, match=r"'v0\.1\.0' cannot be kept: a release is never"):
        desk.save_threshold("v0.1.0", TAG, 0.5, HERE)
    assert contents(home / "model/workspace") == before
    release_workspace(desk.versions.source, "v0.3.0")
    assert desk.why_fixed("v0.1.0") == ""
    desk.save_threshold("v0.1.0", TAG, 0.5, HERE)
    assert desk.threshold_of("workspace", TAG) == 0.5
    assert desk.threshold_of("v0.3.0", TAG) == 0.77


def test_a_home_that_is_only_read_says_so(home):
    for words in (
        ["init", "-q"],
        ["add", "model/workspace"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "a version"],
        ["tag", "v0.1.0"],
    ):
        subprocess.run(["git", *words], cwd=home, check=True)
    source, cache = open_source(f"git:{home}"), ContentCache(open_memory(None))
    desk = InspectionService(VersionService(source, cache, DataService(home / "data")))
    (name,) = source.names()
    assert "only read here" in desk.why_fixed(name)
    with pytest.raises(TagifaiError, match=r"cannot be kept: .*only read here"):
        desk.save_threshold(name, TAG, 0.5, HERE)
