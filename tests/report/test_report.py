import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import browser_corpus
import numpy as np
import pytest
from browser_corpus import HOSTILE_TAG
from predicting import add_foreign

from tagifai.cli import parser as cli
from tagifai.errors import TagifaiError
from tagifai.report import gather
from tagifai.report.page import write_page
from tagifai.report.reasons import find_reasons
from tagifai.services.comparisons import ComparisonService
from tagifai.services.data import DataService
from tagifai.services.inspection import InspectionService
from tagifai.services.reviews import ReviewService
from tagifai.services.versions import VersionService
from tagifai.services.words import WordService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.versions import open_source
from tagifai.training.adding import version_of

CARRY_OUT = {"script", "iframe", "object", "embed", "link", "img", "form", "base"}


class Reader(HTMLParser):
    """Collect what a browser would make of a file."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = set(), [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def desks(data, models, reviews="none.sqlite"):
    versions = VersionService(
        open_source(str(models)), ContentCache(open_memory(None)), DataService(data)
    )
    return ComparisonService(versions), ReviewService(versions, data / reviews)


def text_of(page):
    return " ".join(" ".join(Reader(page).words).split())


@pytest.fixture(scope="module")
def compared(small_data, small_models):
    return write_page(gather(*desks(small_data, small_models), "v0.1.0", "v0.2.0"))


def test_two_versions_are_compared_with_intervals_verdicts_and_flips(compared):
    told = text_of(compared)
    assert told.startswith("v0.2.0 compared with v0.1.0")
    for part in (
        "Overall", "Slices", "Tags", "Worst tags", "Decisions that flipped",
        "Suspected label errors", "Parameters", "About", "How to read this",
        "Can't tell v0.2.0 from v0.1.0: F1 +7.9 points", "12 shared test projects",
        "What B fixed, the largest change first", "B broke nothing.",
        "95 % interval", "C 1.0 10.0 changed",
        "Labels that seem missing", "Labels that seem wrong", "The second.", "Calibration",
    ):  # fmt: skip
        assert part in told, part


def test_one_version_is_told_alone(small_data, small_models):
    told = text_of(write_page(gather(*desks(small_data, small_models), "v0.2.0")))
    assert told.startswith("Version v0.2.0")
    assert "weighted by support 1.000 1.000 1.000 12 4 of 4 tags" in told
    assert "Calibration Too few probabilities above 0.05" in told
    assert "flipped" not in told


def test_decisions_without_probabilities_have_no_threshold_and_no_calibration(
    small_data, small_models, tmp_path
):
    shutil.copytree(small_models, tmp_path / "model")
    comparisons, reviews = desks(small_data, tmp_path / "model")
    kept = comparisons.versions.predictions("v0.1.0")
    only = replace(kept, y_prob=np.float32(kept.y_prob > 0.5), decisions_only=True)
    dataset = comparisons.versions.data.get().dataset
    files = version_of(only, dataset, name="v9.0.0").to_files()
    comparisons.versions.source.write("v9.0.0", files)
    told = text_of(write_page(gather(comparisons, reviews, "v9.0.0")))
    assert "Calibration this version has decisions without probabilities" in told
    assert "false negatives threshold" not in told
    assert "false negatives threshold" in text_of(
        write_page(gather(comparisons, reviews, "v0.1.0"))
    )


def test_a_file_runs_nothing_asks_nobody_and_is_well_formed(compared):
    page = Reader(compared)
    assert page.open == []
    assert page.tags & CARRY_OUT == set()
    assert [name for name, _ in page.attributes if name.startswith("on") or name == "href"] == []
    assert not re.search(r"url\((?!#)|@import|https?://", compared)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert len(compared) < 2_000_000


def test_strangers_texts_stay_texts(tmp_path):
    browser_corpus.write_data(tmp_path / "data")
    browser_corpus.write_versions(tmp_path / "data", tmp_path / "model")
    both = desks(tmp_path / "data", tmp_path / "model")
    page = write_page(gather(*both, "v0.1.0", "v0.2.0"))
    assert Reader(page).tags & CARRY_OUT == set()
    assert Reader(page).open == []
    assert HOSTILE_TAG in text_of(page)
    assert "<script>alert(1)</script>" in text_of(page)


def test_what_cannot_be_told_is_said_in_its_place(small_data, small_models, tmp_path):
    models = shutil.copytree(small_models, tmp_path / "model")
    (models / "v0.2.0" / "predictions.parquet").unlink()
    told = text_of(write_page(gather(*desks(small_data, models), "v0.1.0", "v0.2.0")))
    assert "v0.2.0 kept no predictions: stored figures, without a verdict." in told
    assert told.count("'v0.2.0' keeps no predictions") >= 2


def test_warnings_and_what_is_not_judged_are_said(small_data, small_models, tmp_path):
    models = shutil.copytree(small_models, tmp_path / "model")
    info = models / "v0.2.0" / "version.json"
    said = {"out_of_fold": "unknown", "warnings": ["weighted F1 is 1.000 on train", 7]}
    info.write_text(json.dumps(json.loads(info.read_text()) | said))
    told = text_of(write_page(gather(*desks(small_data, models), "v0.2.0")))
    assert "weighted F1 is 1.000 on train" in told
    assert "Probabilities of train projects may come from a model that saw them" in told


def test_the_same_version_twice_is_refused(small_data, small_models):
    with pytest.raises(TagifaiError, match=r"choose two different versions, got 'v0\.1\.0' twice"):
        gather(*desks(small_data, small_models), "v0.1.0", "v0.1.0")


def test_the_command_writes_a_file(small_data, small_models, tmp_path, capsys):
    places = ["--data", str(small_data), "--models", str(small_models)]
    file = tmp_path / "report.html"
    assert cli.main(["report", "v0.1.0", "v0.2.0", "-o", str(file), *places]) == 0
    assert capsys.readouterr().out == f"{file}: {file.stat().st_size:,} bytes\n"
    assert cli.main(["report", "v0.1.0", "-o", str(tmp_path / "no" / "way.html"), *places]) == 1
    assert "way.html: cannot be written (No such file or directory)" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["sklearn", "python"])
def test_errors_of_foreign_versions_are_explained(
    small_data, small_models, tmp_path, monkeypatch, kind
):
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    made = add_foreign(tmp_path, "theirs", kind)
    # Everything is predicted, so that each tag has false positives.
    cuts = dict.fromkeys(json.loads((tmp_path / "model/theirs/thresholds.json").read_text()), 0.01)
    (tmp_path / "model/theirs/thresholds.json").write_text(json.dumps(cuts))
    comparisons, reviews = desks(tmp_path / "data", tmp_path / "model")
    told = text_of(write_page(gather(comparisons, reviews, "theirs")))
    if kind == "python":
        assert "--allow-predictor 'python:foreign_tagger:tagger'" in told
    data = DataService(tmp_path / "data")
    source, cache = open_source(str(tmp_path / "model")), ContentCache(open_memory(None))
    allowed = ["python:foreign_tagger:tagger"]
    versions = VersionService(source, cache, data, allow_predictor=allowed)
    report = gather(ComparisonService(versions), reviews, "theirs")
    assert len(report.reasons) == 3
    assert {one.outcome for one in report.reasons} == {"fp"}
    told = text_of(write_page(report))
    assert "Errors and their words" in told
    assert "predicted, and not true" in told
    if kind == "python":
        assert made.asked() <= 160 + 3 * 32
        assert "what the log-odds lose without it (leave-one-out)" in told
    else:
        assert report.reasons[0].raising or report.reasons[0].lowering
        assert "its exact contribution to the log-odds" in told


def test_what_takes_too_long_is_left_out_of_a_report(
    small_data, small_models, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    add_foreign(tmp_path, "theirs", "python")
    data = DataService(tmp_path / "data")
    source, cache = open_source(str(tmp_path / "model")), ContentCache(open_memory(None))
    allowed = ["python:foreign_tagger:tagger"]
    versions = VersionService(source, cache, data, allow_predictor=allowed)
    inspection = InspectionService(versions)
    rows = inspection.tag_table("theirs")
    assert any(row.fp or row.fn for row in rows)
    with pytest.raises(TagifaiError, match="more than 0 seconds are needed"):
        find_reasons(inspection, WordService(versions), "theirs", rows, seconds=0)
