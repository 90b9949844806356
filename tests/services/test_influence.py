import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.services.data import DataService
from tagifai.services.influence import InfluenceService
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource
from tagifai.ui.views.influence import (
    left_out_choices,
    render_influence,
    render_refitted,
    render_tinted,
    strongest,
)

TAG = "transformers"


@pytest.fixture
def desk(small_data, small_models, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    source, cache = FolderSource(tmp_path / "model"), ContentCache(open_memory(None))
    return InfluenceService(VersionService(source, cache, DataService(tmp_path / "data")))


@pytest.fixture
def tested(desk):
    predictions = desk.versions.predictions("v0.2.0")
    return predictions.select("test").ids[0]


def test_words_are_placed_and_sum_to_what_inference_tells(desk, tested):
    project = desk.versions.texts()[tested]
    words = desk.words("v0.2.0", TAG, tested)
    assert all(0 <= word.start < word.stop <= len(project.text) for word in words)
    markup = render_tinted(project, words)
    assert markup.startswith("<b>")
    assert 'class="word ' in markup


def test_the_words_of_many_projects_are_those_of_each(desk):
    some = desk.versions.predictions("v0.2.0").select("test").ids[:5]
    one_by_one = [desk.words("v0.2.0", TAG, one) for one in some[:2]]
    together = desk.words_of_all("v0.2.0", TAG, some)
    assert together[:2] == one_by_one
    assert len({tuple(words) for words in together}) == 5
    assert desk.words_of_all("v0.2.0", TAG, []) == []
    with pytest.raises(TagifaiError, match="'gone' is not in the data"):
        desk.words_of_all("v0.2.0", TAG, [*some, "gone"])


def test_shares_sum_to_the_margin_of_the_model(desk, tested):
    found = desk.influence("v0.2.0", TAG, tested)
    predictions, model = desk.versions.predictions("v0.2.0"), desk.versions.model("v0.2.0")
    column = list(model.tags).index(TAG)
    text = desk.versions.texts()[tested].text
    margin = (model.transform([text]) @ model.coef_ + model.intercept_)[0, column]
    assert found.margin == pytest.approx(float(margin), abs=0.02)
    assert len(found.ids) == (predictions.split != "test").sum()
    assert tested not in found.ids


def test_refitting_shows_what_the_estimate_foresaw(desk, tested):
    found = desk.influence("v0.2.0", TAG, tested)
    first = strongest(found)[0]
    push = desk.refit_without("v0.2.0", TAG, tested, [found.ids[first]])
    assert np.sign(push) == np.sign(found.pushes[first])
    assert push == pytest.approx(found.pushes[first], rel=0.5)
    told = render_refitted(found, [found.ids[first]], push)
    assert f"<b>{found.margin - push:+.3f}</b>" in told
    choices = left_out_choices(found, desk.versions.texts())
    assert choices[0][1] == found.ids[first]


def test_the_chart_tells_the_margin_and_strangers_titles_stay_text(desk, tested):
    found, texts = desk.influence("v0.2.0", TAG, tested), dict(desk.versions.texts())
    for one, project in texts.items():
        texts[one] = replace(project, title="<script>" + project.title)
    shown = render_influence(found, texts[tested], TAG, texts)
    assert f"for {TAG}: {found.margin:+.3f}" in shown
    assert "what no project gave" in shown
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown + render_tinted(texts[tested], [])


def test_projects_without_titles_are_named_by_their_texts(desk, tested):
    found, texts = desk.influence("v0.2.0", TAG, tested), dict(desk.versions.texts())
    for one, project in texts.items():
        texts[one] = replace(project, title="", description=f"Text of {one}.")
    named = [label.partition(" (")[0] for label, _ in left_out_choices(found, texts)]
    assert named == [f"Text of {found.ids[row]}." for row in strongest(found)]
    assert f"Margin of “Text of {tested}.” for" in render_influence(
        found, texts[tested], TAG, texts
    )
    assert render_tinted(texts[tested], []) == f"Text of {tested}."


def test_a_model_that_does_not_follow_from_the_data_is_not_explained(desk, tested, tmp_path):
    rows = json.loads((tmp_path / "data/projects.json").read_text())
    for row in rows:
        row["description"] = "Something else altogether."
    (tmp_path / "data/projects.json").write_text(json.dumps(rows))
    with pytest.raises(TagifaiError, match="were texts or tags changed since it was trained"):
        desk.influence("v0.2.0", TAG, tested)


def test_what_cannot_be_told_is_said(desk, tested, tmp_path):
    with pytest.raises(TagifaiError, match="unknown tag 'x'"):
        desk.influence("v0.2.0", "x", tested)
    with pytest.raises(TagifaiError, match=r"project '\?' is not in the data"):
        desk.influence("v0.2.0", TAG, "?")
    for given in ([], ["1"] * 51):
        with pytest.raises(TagifaiError, match=rf"choose 1 to 50 projects .* got {len(given)}"):
            desk.refit_without("v0.2.0", TAG, tested, given)
    with pytest.raises(TagifaiError, match=f"did not learn from project '{tested}'"):
        desk.refit_without("v0.2.0", TAG, tested, [tested])
    rows = json.loads((tmp_path / "data/projects.json").read_text())
    kept = [row for row in rows if str(row["id"]) == tested]
    (tmp_path / "data/projects.json").write_text(json.dumps(kept))
    with pytest.raises(TagifaiError, match=r"that the version learnt from are no longer in"):
        desk.influence("v0.2.0", TAG, tested)
    (tmp_path / "model/v0.2.0/model.skops").unlink()
    with pytest.raises(TagifaiError, match="keeps no model"):
        desk.words("v0.2.0", TAG, tested)
