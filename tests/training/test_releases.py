import json
from dataclasses import fields, replace

import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.models.usage import Usage
from tagifai.store.sources import FILES, NPZ_FILE, FolderSource
from tagifai.training.releases import VersionInfo, new_version, release_workspace
from tagifai.training.train import train

QUICK = SMALL_PARAMS.replaced({"char_ngrams": 0, "log_count_ratio": False, "aliases": "none"})


@pytest.fixture(scope="module")
def version():
    dataset = small_dataset(80)
    return new_version(train(dataset, QUICK, tests=()), dataset, notes="First.")


def test_a_version_has_every_file_of_a_release(version):
    files = version.to_files()
    assert set(files) == set(FILES) - {NPZ_FILE, "model.pkl", "predictor.json"}
    assert json.loads(files["params.json"]) == QUICK.to_dict()
    assert json.loads(files["performance.json"]) == version.performance
    assert set(json.loads(files["thresholds.json"])) == set(version.info.tags)
    assert "model.skops" not in replace(version, model=None).to_files()


def test_version_json_has_the_fields_in_their_order(version):
    names = [field.name for field in fields(VersionInfo)]
    # What holds of imported or of large versions alone is left out of others.
    assert list(version.info.to_json()) == names[:-5]
    of_others = {"missing_tags": {}, "decisions_only": True, "made_by": {"kind": "onnx"}}
    made = replace(version.info, **of_others, stored={"floor": 0.01})
    asked = replace(made, usage=Usage(requests=1))
    assert list(asked.to_json()) == names
    info = json.loads(version.to_files()["version.json"])
    assert (info["name"], info["notes"], info["num_projects"]) == ("workspace", "First.", 80)
    assert info["left_out"] == {"excluded": {}, "unlisted": {}, "unlabelled": 0}


def test_a_release_keeps_what_the_workspace_has_and_adds_its_own(version, tmp_path):
    source = FolderSource(tmp_path)
    source.write("workspace", version.to_files())
    release_workspace(source, "v1", "Out.", links={"run": "https://example.org/1"})
    before, after = (
        json.loads((tmp_path / name / "version.json").read_text()) for name in ("workspace", "v1")
    )
    assert after.pop("released")
    assert after == {
        **before, "name": "v1", "notes": "Out.", "links": {"run": "https://example.org/1"},
    }  # fmt: skip


@pytest.mark.parametrize("content", ["[1]", "{"])
def test_a_workspace_with_a_broken_version_json_is_named(version, tmp_path, content):
    source = FolderSource(tmp_path)
    source.write("workspace", version.to_files() | {"version.json": content.encode()})
    with pytest.raises(TagifaiError, match=r"^workspace/version\.json: "):
        release_workspace(source, "v1")
