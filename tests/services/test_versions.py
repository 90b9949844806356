import hashlib
import pickle
import shutil
from pathlib import Path

import orjson
import pytest

from tagifai.errors import TagifaiError
from tagifai.services.comparisons import ComparisonService
from tagifai.services.data import DataService
from tagifai.services.versions import KEEPS, VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource


@pytest.fixture
def desk(small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    cache = ContentCache(open_memory(tmp_path / "cache"))
    return VersionService(FolderSource(tmp_path / "model"), cache, DataService(tmp_path / "data"))


def rewrite(path, change):
    content = orjson.loads(path.read_bytes())
    change(content)
    path.write_bytes(orjson.dumps(content))


def test_the_latest_is_the_last_that_keeps_what_is_needed(desk, tmp_path):
    models = tmp_path / "model"
    assert desk.names() == ["v0.1.0", "v0.2.0", "workspace"]
    assert desk.latest() == "v0.2.0"
    assert desk.latest(names=["workspace"]) == "workspace"
    (models / "v0.2.0/model.skops").unlink()
    assert [desk.latest(part) for part in KEEPS] == ["v0.2.0", "v0.2.0", "v0.1.0"]
    (models / "v0.2.0/predictions.parquet").unlink()
    assert [desk.latest(part) for part in KEEPS] == ["v0.2.0", "v0.1.0", "v0.1.0"]
    (models / "v0.2.0/performance.json").unlink()
    assert [desk.latest(part) for part in KEEPS] == ["v0.1.0"] * 3
    shutil.rmtree(models / "v0.1.0")
    assert [desk.latest(part) for part in KEEPS] == ["workspace"] * 3
    with pytest.raises(TagifaiError, match="unknown part of a version 'weights'"):
        desk.latest("weights")


def test_names_that_are_no_versions_are_the_latest_by_their_time_alone(desk, tmp_path):
    models = tmp_path / "model"
    for name, created in (("zebra", "2026-01-01"), ("bert", "2026-03-01"), ("ant", None)):
        shutil.copytree(models / "v0.2.0", models / name)
        rewrite(models / name / "version.json", lambda info, at=created: info.update(created=at))
    assert desk.names() == ["ant", "bert", "zebra", "v0.1.0", "v0.2.0", "workspace"]
    assert desk.latest() == "v0.2.0"
    for name in ("v0.1.0", "v0.2.0"):
        shutil.rmtree(models / name)
    assert desk.latest() == "workspace"
    shutil.rmtree(models / "workspace")
    assert desk.latest() == "bert"


def test_what_no_version_keeps_is_said_with_what_makes_it(desk, tmp_path):
    for name in desk.names():
        (tmp_path / "model" / name / "model.skops").unlink()
    with pytest.raises(TagifaiError, match=r"keeps a model, so none can predict .*v0\.1\.0, v0"):
        desk.latest("predictor")
    with pytest.raises(TagifaiError, match=r"'v0\.1\.0' keeps no model.*that can: none"):
        desk.predict("v0.1.0", ["text"])


def test_no_version_at_all_says_how_to_make_one(desk, tmp_path):
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(TagifaiError, match=r"no version in .*tagifai train"):
        desk.names()


def test_an_unknown_version_names_the_nearest(desk):
    with pytest.raises(TagifaiError, match=r"unknown version 'v0\.2': did you mean 'v0\.2\.0'"):
        desk.load("v0.2")


def test_a_changed_version_is_seen(desk, tmp_path):
    before = desk.load("workspace")
    assert desk.load("workspace") is before
    rewrite(tmp_path / "model/workspace/params.json", lambda params: params.update(seed=41))
    assert desk.load("workspace").params["seed"] == 41


def test_a_broken_version_is_named_while_the_others_go_on(desk, tmp_path):
    (tmp_path / "model/v0.1.0/performance.json").write_text("{")
    rows = desk.history()
    assert [row.version for row in rows if row.error is None] == ["v0.2.0", "workspace"]
    assert rows[0].error.startswith("v0.1.0/performance.json: not JSON")
    assert rows[0].figures["overall f1"] is None
    comparisons = ComparisonService(desk)
    with pytest.raises(TagifaiError, match=r"^v0\.1\.0/performance\.json: not JSON"):
        comparisons.compare("v0.1.0", "v0.2.0")
    assert comparisons.compare("v0.2.0", "workspace").flips.broke == 0


@pytest.mark.parametrize(
    ("filename", "ask"),
    [
        ("predictions.parquet", lambda desk: desk.predictions("v0.1.0")),
        ("model.skops", lambda desk: desk.predict("v0.1.0", ["text"])),
        ("thresholds.json", lambda desk: desk.describe("v0.1.0")),
    ],
)
def test_a_damaged_file_is_named(desk, tmp_path, filename, ask):
    (tmp_path / "model/v0.1.0" / filename).write_bytes(b"not what it was")
    with pytest.raises(TagifaiError, match=f"v0.1.0/.*{filename.split('.')[0]}"):
        ask(desk)


def test_a_version_without_predictions_or_model_says_so(desk, tmp_path):
    (tmp_path / "model/v0.1.0/predictions.parquet").unlink()
    (tmp_path / "model/v0.1.0/model.skops").unlink()
    with pytest.raises(TagifaiError, match=r"'v0\.1\.0' keeps no predictions"):
        desk.predictions("v0.1.0")
    with pytest.raises(
        TagifaiError,
        match=r"'v0\.1\.0' keeps no model, so it cannot predict; versions that can: v0\.2\.0, wo",
    ):
        desk.predict("v0.1.0", ["text"])
    with pytest.raises(TagifaiError, match=r"unknown version 'v1'.* allowed: v0\.2\.0, workspace$"):
        desk.predict("v1", ["text"])
    assert ComparisonService(desk).compare("v0.1.0", "v0.2.0").basis == "stored"


class Ran:
    """What a stranger pickles: it leaves a file where it was loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def pickled(desk, tmp_path, content):
    folder = tmp_path / "model/v0.1.0"
    (folder / "model.skops").unlink()
    (folder / "model.pkl").write_bytes(content)
    trusting = VersionService(desk.source, desk.cache, desk.data, trust_pickle=True)
    record = hashlib.sha256(content).hexdigest()
    return trusting, lambda digest=record: rewrite(
        folder / "version.json", lambda info: info.update(model_sha256=digest)
    )


def test_a_pickle_is_loaded_where_that_was_said_and_its_digest_recorded(desk, tmp_path):
    expected = desk.predict("v0.1.0", ["computer vision"])
    trusting, record = pickled(desk, tmp_path, pickle.dumps(desk.model("v0.1.0")))
    with pytest.raises(TagifaiError, match=r"v0\.1\.0/model\.pkl: .* --trust-pickle"):
        desk.predict("v0.1.0", ["computer vision"])
    with pytest.raises(TagifaiError, match=r"v0\.1\.0/model\.pkl: .*records no SHA-256"):
        trusting.predict("v0.1.0", ["computer vision"])
    record("0" * 64)
    with pytest.raises(TagifaiError, match=r"not the file that version\.json records"):
        trusting.predict("v0.1.0", ["computer vision"])
    record()
    assert trusting.predict("v0.1.0", ["computer vision"]) == expected
    with pytest.raises(TagifaiError, match="--trust-pickle"):
        desk.predict("v0.1.0", ["computer vision"])


@pytest.mark.parametrize("digest", [None, "", "f" * 64, 7])
def test_a_strangers_pickle_is_never_run(desk, tmp_path, digest):
    trusting, record = pickled(desk, tmp_path, pickle.dumps(Ran(tmp_path / "ran")))
    record(digest)
    for asked in (desk, trusting):
        with pytest.raises(TagifaiError):
            asked.predict("v0.1.0", ["text"])
    assert not (tmp_path / "ran").exists()
    record()
    with pytest.raises(TagifaiError, match="a TagClassifier is needed, got NoneType"):
        trusting.predict("v0.1.0", ["text"])
    assert (tmp_path / "ran").exists()


def test_texts_are_tagged_however_many_they_are(desk):
    (answer,) = desk.predict("v0.2.0", ["Pixels of camera images, computer vision photos"])
    assert answer.tags == ("computer-vision",)
    assert answer.thresholds.keys() == answer.probabilities.keys()
    many = desk.predict("v0.2.0", ["corpus sentences"] * 1_000 + ["camera pixels"])
    assert [one.tags[:1] for one in many] == [("natural-language-processing",)] * 1_000 + [
        ("computer-vision",)
    ]


def test_a_card_says_how_many_tags_the_averages_are_over(desk, tmp_path):
    assert desk.describe("v0.2.0").averaged_over == "4 of 4 tags"
    path = tmp_path / "model/v0.2.0/performance.json"
    rewrite(path, lambda performance: performance["overall"].pop("num_tags"))
    assert desk.describe("v0.2.0").averaged_over is None


def test_what_figures_rest_on_is_counted(desk):
    performance = desk.load("v0.2.0").performance
    labels = ["overall f1", "overall brier", "tag transformers: recall", "behavioral score"]
    assert desk.support("v0.2.0", labels) == {
        "overall f1": 12,
        "overall brier": 48,
        "tag transformers: recall": performance["class"]["transformers"]["num_samples"],
        "behavioral score": performance["behavioral"]["num_samples"],
    }


def test_any_figure_that_a_version_has_can_be_tabulated(desk):
    rows = desk.history(["tag transformers: recall", "overall f1"])
    assert [list(row.figures) for row in rows] == [["tag transformers: recall", "overall f1"]] * 3
    recall = desk.load("v0.2.0").performance["class"]["transformers"]["recall"]
    assert rows[1].figures["tag transformers: recall"] == recall
    with pytest.raises(TagifaiError, match="unknown metric 'overall luck'"):
        desk.history(["overall luck"])
