import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from predicting import add_foreign
from scipy.stats import spearmanr

from tagifai.errors import TagifaiError
from tagifai.models.predictor import PredictionCancelled
from tagifai.services.data import DataService
from tagifai.services.influence import InfluenceService
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource
from tagifai.ui.views.influence import (
    left_out_choices,
    render_behind,
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


@pytest.fixture
def foreign(small_data, small_models, tmp_path, monkeypatch):
    """A home of versions where Python finds modules too, and a service that allows them."""
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(small_data, tmp_path / "data")
    shutil.copytree(small_models, tmp_path / "model")
    source, cache = FolderSource(tmp_path / "model"), ContentCache(open_memory(None))
    allowed = ["python:foreign_tagger:tagger", "python:foreign_tagger:embedder"]
    data = DataService(tmp_path / "data")
    return InfluenceService(VersionService(source, cache, data, allow_predictor=allowed))


def test_a_layer_ranks_training_texts_as_twenty_real_retrainings_do(foreign, tmp_path):
    module = add_foreign(tmp_path, "layer", "embedder")
    versions, steps = foreign.versions, []
    predictions, texts = versions.predictions("layer"), versions.texts()
    asked = predictions.select("test").ids[:3]
    train = [
        one for one, part in zip(predictions.ids, predictions.split, strict=True) if part == "train"
    ]
    X = module.embed([texts[one].text for one in train])
    y = np.array([TAG in texts[one].tags for one in train])
    chosen = np.random.default_rng(1).choice(len(train), 20, replace=False)
    for project in asked:
        found = foreign.behind("layer", TAG, project, lambda *step: steps.append(step))
        # The layer says itself which projects it was fitted to.
        assert (found.kind, found.part, list(found.ids)) == ("pushes", "train", train)
        assert found.is_optimum
        query = module.embed([texts[project].text])[0]
        whole = module.fit(X, y)
        full = whole.decision_function([query])[0]
        assert found.margin == pytest.approx(full, abs=1e-4)
        truth = []
        for row in chosen:
            rest = np.arange(len(train)) != row
            without = module.fit(X[rest], y[rest]).decision_function([query])[0]
            truth.append(full - without)
            refitted = foreign.refit_without("layer", TAG, project, [train[row]])
            assert refitted == pytest.approx(truth[-1], abs=1e-3)
        assert spearmanr(truth, found.pushes[chosen]).statistic >= 0.98
        shown = render_behind(found, texts[project], TAG, texts)
        assert "gradient product (TracIn)" in shown
        assert "Pruthi et al. 2020" in shown
        refit = render_refitted(found, [train[chosen[0]]], truth[0])
        assert "Only the last layer was fitted again" in refit
    # The training texts are embedded once.
    learned = int((predictions.split != "test").sum())
    assert steps == [(learned, learned, "texts")]
    with pytest.raises(TagifaiError, match=f"did not learn from project '{asked[0]}'"):
        foreign.refit_without("layer", TAG, asked[0], [asked[0]])


def test_a_pipeline_with_a_logistic_regression_has_its_layer(foreign, tmp_path):
    add_foreign(tmp_path, "pipe", "sklearn")
    tested = foreign.versions.predictions("pipe").select("test").ids[0]
    found = foreign.behind("pipe", TAG, tested)
    assert (found.kind, found.part, found.is_optimum) == ("pushes", "train", True)
    assert foreign.refit_without("pipe", TAG, tested, [found.ids[strongest(found)[0]]]) != 0


def test_others_have_similar_texts_which_are_not_called_influential(foreign, tmp_path):
    add_foreign(tmp_path, "fn", "python")
    versions = foreign.versions
    tested = versions.predictions("fn").select("test").ids[0]
    found = foreign.behind("fn", TAG, tested)
    assert (found.kind, found.by) == ("similar", "words")
    assert len(found.ids) == 16
    assert (np.diff(found.likeness) <= 0).all()
    assert tested not in found.ids
    texts = versions.texts()
    assert [TAG in texts[one].tags for one in found.ids] == found.carried.tolist()
    shown = render_behind(found, texts[tested], TAG, texts)
    assert "similar, not influential" in shown
    assert left_out_choices(found, texts) == []
    with pytest.raises(TagifaiError, match="cannot be trained again here"):
        foreign.refit_without("fn", TAG, tested, [found.ids[0]])


def test_a_layer_that_is_not_the_predictors_own_tells_nothing(foreign, tmp_path):
    module = add_foreign(tmp_path, "layer", "embedder")
    tested = foreign.versions.predictions("layer").select("test").ids[0]
    predictor = foreign.versions.predictor("layer").predictor
    predictor.linear_layer.coef = predictor.linear_layer.coef + 1
    predictor.predict_proba = module.Embedder().predict_proba
    found = foreign.behind("layer", TAG, tested)
    assert (found.kind, found.by) == ("similar", "embeddings")
    assert "misses its own probabilities" in found.why
    assert found.likeness[0] > 0.5


def test_embedding_can_be_cancelled(foreign, tmp_path):
    add_foreign(tmp_path, "layer", "embedder")
    tested = foreign.versions.predictions("layer").select("test").ids[0]
    with pytest.raises(PredictionCancelled):
        foreign.behind("layer", TAG, tested, cancelled=lambda: True)
