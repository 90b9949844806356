import shutil
from dataclasses import FrozenInstanceError, fields

import pytest

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.settings import Settings


@pytest.fixture
def services(small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    settings = Settings(data=tmp_path / "data", models=str(tmp_path / "model"), no_cache=True)
    return Services(settings)


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    services = Services(Settings(data=tmp_path / "no data", models=str(tmp_path / "no models")))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TagifaiError, match="no data: no such data folder"):
        services.data.get()


def test_services_are_made_once_and_nobody_replaces_them(services):
    for name in ("data", "versions", "comparisons", "inference", "inspection", "reviews", "slices"):
        assert getattr(services, name) is getattr(services, name)
    assert [field.name for field in fields(services)] == ["settings", "space", "warn"]
    with pytest.raises(FrozenInstanceError):
        services.settings = Settings()
    with pytest.raises(FrozenInstanceError):
        services.data = None


def test_reviews_are_sent_nowhere_unless_the_settings_name_a_dataset(services):
    assert services.review_repository is None


def test_a_broken_data_folder_leaves_the_versions_alone(services, tmp_path):
    (tmp_path / "data" / "projects.json").write_text("[{}]")
    for ask in (services.data.get, lambda: services.preprocessing.preprocess("a", True, True, "")):
        with pytest.raises(TagifaiError, match=r"projects\.json: row 1, id: Field required"):
            ask()
    assert services.versions.latest("predictor") == "v0.2.0"
    assert len(services.versions.history()) == 3
    assert services.comparisons.compare("v0.1.0", "v0.2.0").basis == "paired"
    assert len(services.inspection.tag_table("v0.2.0")) == 4
    (answer,) = services.inference.predict_texts("v0.2.0", ["camera pixels"])
    assert answer.tags == ("computer-vision",)


def test_a_missing_home_of_versions_leaves_the_data_alone(services, tmp_path):
    shutil.rmtree(tmp_path / "model")
    for ask in (services.versions.names, services.versions.history):
        with pytest.raises(TagifaiError, match="no version in"):
            ask()
    assert services.data.get().filter_tags(40).num_all_projects == 80
    assert services.data.get().index.page("", "", False, 1).num_all == 80
