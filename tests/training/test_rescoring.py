import json

from tagifai.predictions import Predictions
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version
from tagifai.training.rescoring import rescore

PREDICTIONS = Predictions.of(
    ["1", "2", "3"], ["train", "test", "test"], ["a"], [[1], [1], [0]], [[0.9], [0.4], [0.3]]
)


def test_figures_follow_the_thresholds(tmp_path) -> None:  # type: ignore[no-untyped-def]
    source = FolderSource(tmp_path)
    source.write("workspace", {"performance.json": b'{"overall": {"f1": 0}}',
                               "version.json": b'{"notes": "kept"}'})  # fmt: skip
    version = load_version(source, "workspace")
    files = rescore(version, PREDICTIONS, {"a": 0.35})
    performance = json.loads(files["performance.json"])
    assert performance["class"]["a"]["f1"] == 1.0
    assert performance["overall"]["num_samples"] == 2
    assert "behavioral" not in performance
    assert json.loads(files["version.json"])["notes"] == "kept"
    # Two test projects are too few to tell a model from chance.
    (warning,) = json.loads(files["version.json"])["warnings"]
    assert warning["kind"] == "no_better_than_rates"
    assert json.loads(rescore(version, PREDICTIONS, {"a": 0.5})["performance.json"])["class"]["a"][
        "recall"
    ] == 0.0  # fmt: skip
