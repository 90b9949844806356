import shutil
from dataclasses import asdict, replace

import numpy as np
import orjson
import pytest

from tagifai.errors import TagifaiError
from tagifai.metrics.thresholds import choose_thresholds
from tagifai.permissions import Visit, WriteRules
from tagifai.services.data import DataService
from tagifai.services.inspection import InspectionService
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource
from tagifai.training.adding import version_of


@pytest.fixture
def desk(small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    versions = VersionService(
        FolderSource(tmp_path / "model"),
        ContentCache(open_memory(None)),
        DataService(tmp_path / "data"),
    )
    return InspectionService(versions, WriteRules())


def rewrite(path, change):
    content = orjson.loads(path.read_bytes())
    change(content)
    path.write_bytes(orjson.dumps(content))


def test_thresholds_of_a_changed_file_decide(desk, tmp_path):
    tag = "transformers"
    everything = desk.versions.predictions("workspace").select("test").y_true.shape[0]
    rewrite(tmp_path / "model/workspace/thresholds.json", lambda cuts: cuts.update({tag: 0.0}))
    row = next(row for row in desk.tag_table("workspace") if row.tag == tag)
    assert row.tp + row.fp == everything
    assert row.recall == 1.0


def test_without_data_outcomes_still_tell_ids(desk, tmp_path):
    with_texts = desk.outcomes("v0.2.0", "computer-vision", "tp")
    assert {item.gone for item in with_texts.items} == {False}
    (tmp_path / "data/projects.json").write_text("[")
    without = desk.outcomes("v0.2.0", "computer-vision", "tp")
    assert [item.id for item in without.items] == [item.id for item in with_texts.items]
    assert {item.gone for item in without.items} == {True}


def test_a_threshold_is_kept_for_who_may_write_alone(desk):
    here = Visit(host="127.0.0.1:7860", client="127.0.0.1", owner=True)
    foreign = replace(here, origin="http://evil.example")
    before = desk.threshold_of("workspace", "transformers")
    with pytest.raises(TagifaiError, match="another site"):
        desk.save_threshold("workspace", "transformers", 0.125, foreign)
    with pytest.raises(TagifaiError, match="open the link that was printed"):
        desk.save_threshold("workspace", "transformers", 0.125, Visit())
    assert desk.threshold_of("workspace", "transformers") == before
    assert desk.save_threshold("workspace", "transformers", 0.125, here) == (
        "Kept: workspace predicts transformers from 0.125 on, everywhere."
    )
    assert desk.threshold_of("workspace", "transformers") == 0.125


def test_all_projects_of_an_outcome_are_those_of_its_pages(desk):
    asked = ("v0.2.0", "computer-vision", "tp", "longest")
    pages = [desk.outcomes(*asked, page=number, size=2) for number in (1, 2, 3)]
    paged = [item for page in pages for item in page.items]
    assert [row.id for row in desk.all_outcomes(*asked)][: len(paged)] == [
        item.id for item in paged
    ]
    assert len(desk.all_outcomes(*asked)) == pages[0].num_found


def test_a_slice_has_intervals_while_its_figures_are_those_of_now(desk, tmp_path):
    (tmp_path / "data/slices.json").write_bytes(
        orjson.dumps([{"name": "any", "min_words": 1}, {"name": "few", "all_of": ["segmentation"]}])
    )
    rows = {row.slice: row for row in desk.slice_table("v0.1.0")}
    assert rows["any"].num_samples == 12
    low, high = rows["any"].intervals["f1"]
    assert low < rows["any"].f1 < high
    # Under ten projects there is none.
    assert rows["few"].num_samples < 10
    assert rows["few"].intervals == {}

    def remember(performance):
        recorded = asdict(rows["any"])
        recorded.pop("intervals")
        performance["slices"]["class"]["any"] = recorded | {"f1": rows["any"].f1 - 0.01}

    rewrite(tmp_path / "model/v0.1.0/performance.json", remember)
    again = {row.slice: row for row in desk.slice_table("v0.1.0")}["any"]
    assert again.f1 == rows["any"].f1 - 0.01
    assert "f1" not in again.intervals
    assert again.intervals["recall"] == rows["any"].intervals["recall"]


def test_calibration_is_graded_pooled_and_by_tag(desk):
    pooled, off = desk.check_calibration("v0.1.0", None), desk.miscalibrated_tags("v0.1.0")
    assert pooled.tag is None
    assert pooled.num_pairs == 12 * 4
    tags = {one.tag for one in off}
    for tag in desk.versions.predictions("v0.1.0").tags:
        found = desk.check_calibration("v0.1.0", tag)
        assert (found.grade in ("off", "slightly off")) is (tag in tags)


def test_best_for_f1_is_the_choice_that_a_training_makes(desk):
    name = "v0.2.0"
    predictions = desk.versions.predictions(name)
    learnt = predictions.take(np.flatnonzero(predictions.split != "test"))
    chosen = choose_thresholds(learnt.y_true, learnt.y_prob, "per-tag", 0.5, None, 0.75)
    expected = dict(zip(predictions.tags, chosen.tolist(), strict=True))
    for tag in predictions.tags:
        found = desk.best_threshold(name, tag)
        assert (found.by, found.threshold) == ("f1", pytest.approx(expected[tag]))
    # Costs are a tag's own.
    assert desk.best_threshold(name, predictions.tags[0], 1, 1).by == "cost"
    with pytest.raises(TagifaiError, match="unknown tag 'transformer': did you mean"):
        desk.best_threshold(name, "transformer")


def test_labels_count_as_probabilities_only_where_these_are_calibrated(desk):
    # v0.1.0 was made without calibration.
    predictions = desk.versions.predictions("v0.1.0")
    learnt = predictions.take(np.flatnonzero(predictions.split != "test"))
    plain = choose_thresholds(learnt.y_true, learnt.y_prob, "per-tag", 0.5, None, 0.0)
    tag = predictions.tags[0]

    assert desk.best_threshold("v0.1.0", tag).threshold == pytest.approx(plain[0])


def test_decisions_alone_have_no_threshold_and_no_calibration(desk):
    versions = desk.versions
    kept = versions.predictions("v0.1.0")
    decided = replace(kept, y_prob=np.float32(kept.y_prob > 0.5), decisions_only=True)
    dataset = versions.data.get().dataset
    versions.source.write("v9", version_of(decided, dataset, name="v9").to_files())
    assert "no threshold to move, nothing to calibrate" in desk.why_no_probabilities("v9")
    assert desk.why_no_probabilities("v0.1.0") == ""
    assert "no threshold to move" in desk.why_fixed("v9")
    assert (desk.decides("v9"), desk.decides("v0.1.0")) == (True, False)
    for ask in (
        lambda: desk.best_threshold("v9", "transformers"),
        lambda: desk.check_calibration("v9", None),
        lambda: desk.miscalibrated_tags("v9"),
    ):
        with pytest.raises(TagifaiError, match="no threshold to move"):
            ask()
    assert {row.average_precision for row in desk.tag_table("v9")} == {None}
    assert desk.curve("v9", "transformers") == []
    assert "no threshold to move" in desk.limits("v9")[-1]
    assert not any("no threshold" in one for one in desk.limits("v0.1.0"))
    assert any("decisions without probabilities" in one for one in desk.notes("v9"))
