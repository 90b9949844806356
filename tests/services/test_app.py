import shutil
from dataclasses import replace

import pytest

from tagifai.errors import TagifaiError
from tagifai.services.app import Workbench
from tagifai.settings import Settings


@pytest.fixture
def bench(small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    settings = Settings(data=tmp_path / "data", models=str(tmp_path / "model"), no_cache=True)
    return Workbench(settings)


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    bench = Workbench(Settings(data=tmp_path / "no data", models=str(tmp_path / "no models")))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TagifaiError, match="no data: no such data folder"):
        bench.describe_data()


def test_a_broken_data_folder_leaves_the_versions_alone(bench, tmp_path):
    (tmp_path / "data" / "projects.json").write_text("[{}]")
    for ask in (
        bench.describe_data,
        lambda: bench.filter_tags(30),
        lambda: bench.page_projects("", "", False, 1),
        lambda: bench.describe_tag("transformers"),
        lambda: bench.count_words("transformers"),
    ):
        with pytest.raises(TagifaiError, match=r"projects\.json: row 1, id: Field required"):
            ask()
    assert bench.latest("model") == "v0.2.0"
    assert len(bench.history()) == 3
    assert bench.compare("v0.1.0", "v0.2.0").basis == "paired"
    assert len(bench.inspection.tag_table("v0.2.0")) == 4
    assert bench.predict("v0.2.0", ["camera pixels"])[0]["tags"] == ["computer-vision"]


def test_a_missing_home_of_versions_leaves_the_data_alone(bench, tmp_path):
    shutil.rmtree(tmp_path / "model")
    for ask in (bench.list_versions, bench.history):
        with pytest.raises(TagifaiError, match="no version in"):
            ask()
    assert bench.filter_tags(40).num_all_projects == 80
    assert bench.page_projects("", "", False, 1).num_all == 80


def test_a_visitors_text_is_preprocessed_as_told(bench):
    text = "See https://example.org/x: The MODELS"
    assert bench.preprocess(text, True, True, "[:]", "the") == "see model"
    assert bench.preprocess(text, False, False, "", "") == "See The MODELS"
    with pytest.raises(TagifaiError, match="no regular expression"):
        bench.preprocess(text, True, False, "(", "")


def test_visitors_texts_have_limits(small_data, small_models):
    settings = Settings(data=small_data, models=str(small_models), no_cache=True)
    bench = Workbench(replace(settings, max_text=10, max_texts=2))
    assert len(bench.predict("v0.2.0", ["x" * 10] * 2)) == 2
    with pytest.raises(TagifaiError, match=r"at most 2 texts at once \(--max-texts\), got 3"):
        bench.predict("v0.2.0", ["x"] * 3)
    with pytest.raises(TagifaiError, match="11 characters; at most 10"):
        bench.predict("v0.2.0", ["x" * 11])
