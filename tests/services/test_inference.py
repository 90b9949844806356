from pathlib import Path

import orjson
import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.errors import TagifaiError
from tagifai.permissions import Visit
from tagifai.services.app import Services
from tagifai.services.data import DataService
from tagifai.services.inference import InferenceService
from tagifai.services.versions import VersionService
from tagifai.settings import Settings
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource
from tagifai.training.releases import version_files
from tagifai.training.train import train


@pytest.fixture(scope="module")
def files():
    dataset = small_dataset()
    trained = train(dataset, SMALL_PARAMS, tests=())
    return version_files(trained, dataset, name="v1")


@pytest.fixture(scope="module")
def other_files():
    """A version that reads texts in another way: English words in lower and upper case."""
    dataset = small_dataset()
    changes = {"lower": False, "stem": True, "stopwords": False, "language": "de", "filters": "[.]"}
    trained = train(dataset, SMALL_PARAMS.replaced(changes), tests=())
    return version_files(trained, dataset, name="v2")


def test_two_versions_that_read_in_other_ways_stand_side_by_side(folder, other_files):
    FolderSource(folder / "model").write("v2", other_files)
    service = open_service(folder)
    text = "The Cameras: photos, of ﬁlm"
    read = {name: service.predict(name, text).preprocessed for name in ("v1", "v2")}
    assert read == {"v1": "cameras photos film", "v2": "the cameras: photos, of film"}
    rows = service.diff("v1", text, "v2", text)
    for name, side in (("v1", "a"), ("v2", "b")):
        assert {row.tag: getattr(row, side) for row in rows} == service.predict(
            name, text
        ).probabilities
        tag = rows[0].tag
        explained = service.explain(name, text, tag)
        typed = [text[word.start : word.stop] for word in explained.words]
        assert typed == {"v1": ["Cameras", "photos", "ﬁlm"], "v2": text.split()}[name]


@pytest.fixture
def folder(tmp_path, files) -> Path:
    dataset = small_dataset()
    (tmp_path / "data").mkdir()
    fields = ("id", "title", "description", "tags")
    rows = [{name: getattr(p, name) for name in fields} for p in dataset.projects]
    tags = [
        {"tag": t.tag, "aliases": t.aliases, "parents": t.parents} for t in dataset.tags.values()
    ]
    (tmp_path / "data" / "projects.json").write_bytes(orjson.dumps(rows))
    (tmp_path / "data" / "tags.json").write_bytes(orjson.dumps(tags))
    FolderSource(tmp_path / "model").write("v1", files)
    return tmp_path


def open_service(folder, cache=None, **options) -> InferenceService:
    data = DataService(folder / "data")
    source = FolderSource(folder / "model")
    versions = VersionService(source, ContentCache(open_memory(cache)), data)
    return InferenceService(versions, data, **options)


def test_an_explanation_is_plain_and_adds_up(folder):
    service = open_service(folder)
    text = "Camera, photos & zzzzzz"
    explained = service.explain("v1", text, "computer-vision")
    total = sum(word.value for word in explained.words)
    parts = total + explained.names + explained.intercept + explained.calibration
    assert parts == pytest.approx(explained.log_odds, abs=1e-9)
    assert [text[w.start : w.stop] for w in explained.words] == ["Camera", "photos", "zzzzzz"]
    assert [word.known for word in explained.words] == [True, True, False]
    with pytest.raises(TagifaiError, match="unknown tag 'vision'"):
        service.explain("v1", text, "vision")


def test_a_word_is_dropped_where_the_explanation_says(folder):
    service = open_service(folder)
    assert service.edit_word("v1", "The camera of photos", 1) == "The camera of"
    assert service.edit_word("v1", "The camera of photos", 0, "masks") == "The masks of photos"


def test_texts_over_the_limit_are_told(folder):
    with pytest.raises(TagifaiError, match="has 20,001 characters; at most 20,000"):
        open_service(folder).predict("v1", "x" * 20_001)


def test_examples_come_from_the_data(folder):
    service = open_service(folder)
    texts = {project.text for project in small_dataset().projects}
    examples = service.examples("v1")
    assert len(examples) >= 3
    assert {example.text for example in examples} <= texts
    assert service.first_text("v1") == examples[0].text
    # A version without predictions begins with a text of the data.
    (folder / "model" / "v1" / "predictions.parquet").unlink()
    first = small_dataset().projects[0].text
    assert open_service(folder).first_text("v1") == first
    assert 20 <= len(first) <= 300


def test_a_saved_test_is_scored_on_versions_made_before_it(folder):
    service = open_service(folder, cache=folder / "cache")
    before = service.behavioral_results("v1").to_dict()
    made = {path.name: path.read_bytes() for path in (folder / "model" / "v1").iterdir()}
    saved = service.save_test(
        "v1", "MFT", "mine", ["camera photos of masks"], ["transformers"], ["segmentation"]
    )
    assert saved.number == 1
    assert saved.results.overall.score == 0
    after = service.behavioral_results("v1").to_dict()
    assert after["num_samples"] == before["num_samples"] + 1
    assert after["by_group"]["mine"]["num_samples"] == 1
    assert after["by_group"]["mine"]["score"] == 0
    (failed,) = [row for row in after["results"]["failed"] if row["group"] == "mine"]
    assert failed["texts"] == ["camera photos of masks"]
    assert failed["expected"] == [["transformers"]]
    assert after["fresh"] is True
    assert {p.name: p.read_bytes() for p in (folder / "model" / "v1").iterdir()} == made


def test_tests_of_now_are_those_it_was_trained_with(folder):
    now = open_service(folder).behavioral_results("v1").to_dict()
    trained = train(small_dataset(), SMALL_PARAMS)
    assert now["by_part"] == trained.performance["behavioral"]["by_part"]
    assert list(now["by_part"]) == ["name recognition", "without names"]
    assert now["by_part"]["without names"]["name_matcher"] == 0
    # Which texts were for training is known from its predictions alone.
    (folder / "model" / "v1" / "predictions.parquet").unlink()
    assert list(open_service(folder).behavioral_results("v1").to_dict()["by_part"]) == [
        "name recognition"
    ]


def test_a_version_without_a_model_keeps_what_was_measured(folder):
    (folder / "model" / "v1" / "model.skops").unlink()
    results = open_service(folder).behavioral_results("v1").to_dict()
    assert results["fresh"] is False
    assert results["num_samples"] == 0


def test_nothing_is_written_where_the_app_is_public(folder):
    service = open_service(folder, public=True)
    with pytest.raises(TagifaiError, match="public link"):
        service.save_test("v1", "MFT", "mine", ["camera"], ["transformers"], [])
    assert not (folder / "data" / "behavioral.json").exists()


def test_nothing_is_written_for_another_site_or_from_elsewhere(folder):
    service = open_service(folder)
    foreign = Visit("127.0.0.1:7860", "127.0.0.1", fetch_site="cross-site", origin="http://evil")
    away = Visit("10.0.0.7:7860", "10.0.0.9", fetch_site="same-origin")
    for visit, message in ((foreign, "came from another site"), (away, "read-only")):
        with pytest.raises(TagifaiError, match=message):
            service.save_test("v1", "MFT", "mine", ["camera"], ["transformers"], [], visit)
    assert not (folder / "data" / "behavioral.json").exists()
    here = Visit("127.0.0.1:7860", "127.0.0.1", fetch_site="same-origin", owner=True)
    assert service.save_test("v1", "MFT", "m", ["camera"], ["transformers"], [], here).number == 1


def test_many_texts_with_bad_rows_among_them(folder):
    service = open_service(folder)
    rows = service.read_texts(b"text\ncamera photos\na,b\ntransformers\n", "csv")
    (answers,) = service.predict_rows("v1", rows)
    assert [answer.row.error for answer in answers] == ["", "2 cells under 1 columns", ""]
    assert answers[2].tags[0][0] == "transformers"


def test_several_texts_are_predicted_up_to_a_limit(folder):
    service = open_service(folder, max_text=10, max_texts=2)
    assert len(service.predict_texts("v1", ["x" * 10] * 2)) == 2
    with pytest.raises(TagifaiError, match=r"at most 2 texts at once \(--max-texts\), got 3"):
        service.predict_texts("v1", ["x"] * 3)
    with pytest.raises(TagifaiError, match="11 characters; at most 10"):
        service.predict_texts("v1", ["x" * 11])


def test_a_visitors_text_has_a_limit(folder):
    service = open_service(folder, max_text=30)
    assert service.predict("v1", "x" * 30).reason == "no known word"
    for ask in (
        lambda: service.predict("v1", "x" * 31),
        lambda: service.edit_word("v1", "x" * 31, 0),
        lambda: service.diff("v1", "x", "v1", "x" * 31),
    ):
        with pytest.raises(TagifaiError, match="31 characters; at most 30 are read here"):
            ask()
    rows = service.read_texts(b"short\n" + b"y" * 31, "lines")
    assert [row.error for row in rows] == ["", "31 characters; at most 30 are read (--max-text)"]
    with pytest.raises(TagifaiError, match="changes are looked for in at most 2,000"):
        service.smallest_changes("v1", "camera " * 300, "computer-vision")


@pytest.mark.parametrize(
    ("number", "described"), [(3, ""), (60_000, "30,000 of the 60,000 projects")]
)
def test_how_many_projects_are_compared_is_said(tmp_path, number, described):
    rows = [{"id": n, "title": "t", "description": "", "tags": ["x"]} for n in range(number)]
    (tmp_path / "projects.json").write_bytes(orjson.dumps(rows))
    services = Services(Settings(data=tmp_path, models=str(tmp_path / "none"), no_cache=True))
    assert services.inference.describe_compared() == described
