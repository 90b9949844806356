import shutil

import orjson
import pytest

from tagifai.comparison.results import Flip
from tagifai.errors import TagifaiError
from tagifai.services.comparisons import ComparisonService, FlippedProject
from tagifai.services.data import DataService
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource


@pytest.fixture
def service(small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    cache = ContentCache(open_memory(tmp_path / "cache"))
    source, data = FolderSource(tmp_path / "model"), DataService(tmp_path / "data")
    return ComparisonService(VersionService(source, cache, data))


def rewrite(path, change):
    content = orjson.loads(path.read_bytes())
    change(content)
    path.write_bytes(orjson.dumps(content))


def test_a_comparison_follows_the_files(service, tmp_path):
    def seeds():
        rows = service.compare("v0.1.0", "workspace").params
        return next((row.a, row.b) for row in rows if row.name == "seed")

    assert seeds() == (0, 0)
    rewrite(tmp_path / "model/workspace/params.json", lambda params: params.update(seed=41))
    assert seeds() == (0, 41)


def test_the_same_version_twice_is_refused(service):
    for ask in (service.compare, lambda a, b: service.flips(a, b, "transformers")):
        with pytest.raises(TagifaiError, match=r"two different versions, got 'v0\.1\.0' twice"):
            ask("v0.1.0", "v0.1.0")


def test_a_data_folders_own_slices_are_compared(service, tmp_path):
    assert "on_masks" not in {row.name for row in service.compare("v0.1.0", "v0.2.0").slices}
    own = [{"name": "on_masks", "description": "On masks.", "any_words": ["masks"]}]
    (tmp_path / "data/slices.json").write_bytes(orjson.dumps(own))
    names = {row.name for row in service.compare("v0.1.0", "v0.2.0").slices}
    assert "on_masks" in names


def test_the_data_s_settings_name_the_primary_figure(service, tmp_path):
    assert service.compare("v0.1.0", "v0.2.0").primary == "weighted f1"
    (tmp_path / "data/data.toml").write_text('primary = "macro recall"\n')
    diff = service.compare("v0.1.0", "v0.2.0")
    assert (diff.primary, diff.primary_row.name) == ("macro recall", "macro")
    (tmp_path / "data/projects.json").write_text("[{}]")
    assert service.compare("v0.1.0", "v0.2.0").primary == "weighted f1"


def test_slices_and_behavioral_scores_have_intervals(service, tmp_path):
    test = service.versions.predictions("v0.2.0").select("test").ids
    figures = service.versions.load("v0.2.0").performance
    found = service.intervals("v0.2.0")
    low, high = found["behavioral", "all", "score"]
    assert low <= figures["behavioral"]["score"] <= high
    # The small data has twelve test projects, and no slice with ten of them.
    assert len(test) == 12
    assert not [key for key in found if key[0] == "slices"]

    own = [{"name": "all_of_it", "description": "", "min_words": 0}]
    (tmp_path / "data/slices.json").write_bytes(orjson.dumps(own))
    micro = figures["overall"]["micro"]
    rewrite(
        tmp_path / "model/v0.2.0/performance.json",
        lambda performance: performance["slices"]["class"].update(all_of_it=micro),
    )
    low, high = service.intervals("v0.2.0")["slices", "all_of_it", "f1"]
    assert low <= micro["f1"] <= high


def test_a_figure_that_would_be_scored_otherwise_today_has_no_interval(service, tmp_path):
    key = ("overall", "weighted", "recall")
    assert key in service.intervals("v0.1.0")
    rewrite(
        tmp_path / "model/v0.1.0/performance.json",
        lambda performance: performance["overall"].update(recall=0.5),
    )
    found = service.intervals("v0.1.0")
    assert key not in found
    assert ("overall", "macro", "recall") in found


def test_without_predictions_behavioral_scores_keep_their_intervals(service, tmp_path):
    (tmp_path / "model/v0.2.0/predictions.parquet").unlink()
    assert {group for group, _, _ in service.intervals("v0.2.0")} == {"behavioral"}


def test_a_comparison_is_made_once_while_the_files_stay_the_same(service, tmp_path):
    first = service.compare("v0.1.0", "v0.2.0")
    assert service.compare("v0.1.0", "v0.2.0") is first
    rewrite(tmp_path / "model/v0.2.0/params.json", lambda params: params.update(seed=41))
    assert service.compare("v0.1.0", "v0.2.0") is not first


def test_flips_carry_the_texts_that_the_data_still_has(service, tmp_path):
    texts = service.versions.texts()
    flips = service.flips("v0.1.0", "v0.2.0", None)
    counted = service.compare("v0.1.0", "v0.2.0").flips
    assert len(flips) == counted.broke + counted.fixed + counted.both_wrong > 0
    assert all(one.title == texts[one.flip.id].title for one in flips)
    (tmp_path / "data/projects.json").write_text("[{}]")
    assert service.flips("v0.1.0", "v0.2.0", None) == [
        FlippedProject(one.flip, "", "") for one in flips
    ]
    assert isinstance(flips[0].flip, Flip)


def test_intervals_stand_by_label_at_each_version(service):
    found = service.history_intervals(["overall recall"], ["v0.1.0", "v0.2.0"])
    key = ("overall", "weighted", "recall")
    assert found == {
        "overall recall": [service.intervals(one).get(key) for one in ("v0.1.0", "v0.2.0")]
    }
