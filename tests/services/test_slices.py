import json
import shutil

import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.permissions import Visit, WriteRules
from tagifai.services.comparisons import ComparisonService
from tagifai.services.data import DataService
from tagifai.services.inspection import InspectionService
from tagifai.services.slices import SliceChoices, SliceService
from tagifai.services.versions import VersionService
from tagifai.slices import Conditions
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource

HERE = Visit(host="127.0.0.1:7860", client="127.0.0.1", owner=True)


@pytest.fixture
def service(small_data, small_models, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small_data, data)
    rows = json.loads((data / "projects.json").read_text())
    for number, row in enumerate(rows):
        row |= {"year": 2019 + number % 2, "url": f"http://outside.invalid/{number}" + "x" * 60}
    (data / "projects.json").write_text(json.dumps(rows))
    cache = ContentCache(open_memory(tmp_path / "cache"))
    return SliceService(VersionService(FolderSource(small_models), cache, DataService(data)))


def test_choices_are_the_tags_and_the_short_cells_of_other_columns(service):
    assert service.choices() == SliceChoices(
        ("computer-vision", "natural-language-processing", "segmentation", "transformers"),
        (("year", "2019"), ("year", "2020")),
    )


def test_a_slice_is_scored_on_test_out_of_fold_and_outside(service):
    predictions = service.versions.predictions("v0.2.0")
    data = service.versions.data.get().by_id
    found = service.measure("v0.2.0", Conditions(all_of=("segmentation",)))
    inside = np.array(["segmentation" in data[one].tags for one in predictions.ids])
    test = predictions.split == "test"
    assert found.num_projects == inside.sum()
    assert found.test.num_samples == (inside & test).sum()
    assert found.learned.num_samples == (inside & ~test).sum()
    assert found.elsewhere.num_samples == (~inside & test).sum()
    assert found.test.num_positives == predictions.y_true[inside & test].sum()
    decided = predictions.decide(service.versions.thresholds("v0.2.0"))[inside & ~test]
    truth = predictions.y_true[inside & ~test]
    assert found.learned.precision.value == pytest.approx((decided & truth).sum() / decided.sum())


def test_a_column_of_the_data_is_asked_for_by_name(service):
    assert service.measure("v0.2.0", Conditions(columns={"year": ("2020",)})).num_projects == 40
    with pytest.raises(TagifaiError, match=r"unknown column: 'yaer' \(did you mean 'year'"):
        service.measure("v0.2.0", Conditions(columns={"yaer": ("2020",)}))


def test_tags_that_the_data_does_not_have_are_refused(service):
    wrong = Conditions(all_of=("Segmentation",), none_of=("transformer",))
    for ask in (
        lambda: service.measure("v0.2.0", wrong),
        lambda: service.save(HERE, "wrong", wrong),
    ):
        with pytest.raises(TagifaiError, match=r"'Segmentation' \(did you mean 'segmentation'\?\)"):
            ask()
    assert service.saved() == {}


def test_a_saved_slice_is_listed_compared_and_trained_on(service):
    conditions = Conditions(columns={"year": ("2020",)}, max_words=9)
    service.save(HERE, "late_and_short", conditions, "Of 2020, in few words")
    assert service.saved()["late_and_short"] == conditions
    assert list(service.saved()) == ["late_and_short"]
    rows = {row.slice: row for row in InspectionService(service.versions).slice_table("v0.2.0")}
    found = service.measure("v0.2.0", conditions).test
    assert rows["late_and_short"].num_samples == found.num_samples
    assert rows["late_and_short"].f1 == pytest.approx(found.f1.value)
    compared = ComparisonService(service.versions).compare("v0.1.0", "v0.2.0")
    assert "late_and_short" in {row.name for row in compared.slices}


def test_who_may_not_write_saves_nothing(service):
    service.rules = WriteRules(local=False, reviewers=frozenset({"ann"}))
    with pytest.raises(TagifaiError, match="reviewers who logged in"):
        service.save(HERE, "x", Conditions(max_words=3))
    foreign = Visit(user="ann", host="a", origin="http://evil.example")
    with pytest.raises(TagifaiError, match="another site"):
        service.save(foreign, "x", Conditions(max_words=3))
    assert service.why_not(HERE).startswith("read-only: ")
    assert service.why_not(Visit(user="ann", host="a")) == ""
    assert service.saved() == {}


def test_what_was_found_is_remembered_by_content(service, small_models, tmp_path):
    first = service.find("v0.1.0", "all")
    again = SliceService(
        VersionService(FolderSource(small_models), service.versions.cache, service.versions.data)
    )
    assert again.find("v0.1.0", "all") == first
    assert first.slices
    assert first.in_sample == ""
    for record in first.slices:
        built = Conditions.of(record.given)
        found = again.measure("v0.1.0", built)
        assert found.test.num_samples + found.learned.num_samples == (record.num_samples)
    with pytest.raises(TagifaiError, match="unknown split 'nowhere'"):
        service.find("v0.1.0", "nowhere")


def test_training_projects_that_are_not_out_of_fold_are_not_searched(
    service, tmp_path, small_models
):
    models = tmp_path / "models"
    shutil.copytree(small_models, models)
    for answer in ("yes", "no", "unknown"):
        file = models / "v0.1.0" / "version.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "out_of_fold": answer}))
        versions = VersionService(
            FolderSource(models), service.versions.cache, service.versions.data
        )
        found = SliceService(versions).find("v0.1.0")
        split = versions.predictions("v0.1.0").split
        left_out = 0 if answer == "yes" else int((split == "train").sum())
        assert bool(found.in_sample) is (answer != "yes")
        assert found.num_searched + found.num_kept_back == 80 - left_out
        measured = SliceService(versions).measure("v0.1.0", Conditions(max_words=99))
        assert measured.learned.num_samples == int((split != "test").sum()) - left_out
        assert bool(measured.in_sample) is (answer != "yes")
