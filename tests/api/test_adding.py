import json

import numpy as np
import pytest

import tagifai
from tagifai.errors import TagifaiError

TEXTS = ["cats sleep", "dogs bark", "cats and dogs", "nothing"] * 10
Y_TRUE = np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 10)
Y_PROB = Y_TRUE * 0.8 + 0.1
TAGS = ["cats", "dogs"]
SPLIT = ["train"] * 20 + ["test"] * 20


def predict(texts):
    return np.array([[0.9 if tag in text else 0.2 for tag in TAGS] for text in texts])


@pytest.fixture
def homes(tmp_path):
    return {"models": tmp_path / "model", "data": tmp_path / "data"}


@pytest.fixture
def given(homes):
    return {"texts": TEXTS, "y_true": Y_TRUE, "tags": TAGS, "split": SPLIT, **homes}


def read(homes, name, file):
    return json.loads((homes["models"] / name / file).read_bytes())


def test_arrays_become_a_version(given, homes):
    added = tagifai.add_version("v1", Y_PROB, thresholds=0.3, **given)
    assert (added.name, added.f1, added.num_samples) == ("v1", 1.0, 20)
    assert read(homes, "v1", "performance.json")["overall"]["f1"] == 1.0
    assert read(homes, "v1", "thresholds.json") == {"cats": 0.3, "dogs": 0.3}
    assert not (homes["models"] / "v1" / "predictor.json").exists()


def test_a_loop_adds_to_what_is_there(given, homes):
    tagifai.add_version("epoch-1", Y_PROB, **given)
    tagifai.add_version("epoch-2", np.full((40, 2), 0.4), thresholds=0.5, **homes)
    assert read(homes, "epoch-2", "performance.json")["overall"]["recall"] == 0.0
    with pytest.raises(TagifaiError, match="epoch-2"):
        tagifai.add_version("epoch-2", Y_PROB, **homes)


def test_rows_of_some_projects(given, homes):
    tagifai.add_version("v1", Y_PROB, **given)
    added = tagifai.add_version(
        "part",
        [[0.1, 0.9], [0.9, 0.1]],
        ids=["21", "20"],
        split=["test", "test"],
        tags=TAGS,
        thresholds=0.5,
        **homes,
    )
    assert (added.num_samples, added.f1) == (2, 1.0)


def test_a_function_predicts(given, homes):
    added = tagifai.add_version("v1", predictor=predict, thresholds=0.5, **given)
    assert (added.f1, added.num_samples) == (1.0, 20)


def test_a_predictor_by_its_source_is_recorded(given, homes, tmp_path):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from skops.io import dump

    pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=100)))
    dump(pipeline.fit(TEXTS, Y_TRUE), tmp_path / "pipe.skops")
    added = tagifai.add_version(
        "v1", predictor=f"sklearn:{tmp_path / 'pipe.skops'}", calibrate="", **given
    )
    assert added.f1 == 1.0
    assert read(homes, "v1", "predictor.json")["source"] == str(tmp_path / "pipe.skops")


def test_links_notes_and_parameters(given, homes):
    tagifai.add_version(
        "v1",
        Y_PROB,
        notes="warm start",
        links={"W&B": "https://wandb.ai/ann/runs/7"},
        params={"lr": 0.1},
        **given,
    )
    info = read(homes, "v1", "version.json")
    assert (info["notes"], info["links"]) == ("warm start", {"W&B": "https://wandb.ai/ann/runs/7"})
    assert read(homes, "v1", "params.json")["lr"] == 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "add_version: y_prob or predictor"),
        ({"y_prob": Y_PROB, "predictor": predict}, "add_version: y_prob or predictor"),
        ({"y_prob": Y_PROB[:3]}, r"y_prob: shape \(40, 2\) is needed .*, got \(3, 2\)"),
        ({"y_prob": Y_PROB, "links": {"x": "javascript:1"}}, r"links\['x'\]: an address"),
        ({"y_prob": Y_PROB, "notes": "a\nb"}, "notes: one line"),
        ({"y_prob": Y_PROB, "out_of_fold": "maybe"}, "unknown out_of_fold"),
        ({"y_prob": Y_PROB, "thresholds": 3.0}, "threshold: a number from 0 to 1"),
    ],
)
def test_what_does_not_fit_leaves_no_version(given, homes, arguments, message):
    with pytest.raises(TagifaiError, match=f"^{message}"):
        tagifai.add_version("v1", **arguments, **given)
    assert not (homes["models"] / "v1").exists()


def test_other_texts_than_those_of_the_data_are_refused(given, homes):
    tagifai.add_version("v1", Y_PROB, **given)
    with pytest.raises(TagifaiError, match="has other data already: project '0' differs"):
        tagifai.add_version("v2", Y_PROB, **{**given, "texts": ["other", *TEXTS[1:]]})


def test_an_unknown_project_is_refused(given, homes):
    tagifai.add_version("v1", Y_PROB, **given)
    with pytest.raises(TagifaiError, match="ids: row 0: the data has no project 'x'"):
        tagifai.add_version("v2", [[0.5, 0.5]], ids=["x"], **homes)


def test_columns_are_those_of_the_labels(homes):
    """Not in alphabetical order, which would swap them."""
    import pandas as pd

    table = pd.DataFrame({"dogs": [0, 1] * 20, "cats": [1, 0] * 20})
    added = tagifai.add_version(
        "v1", table.to_numpy() * 0.8, texts=TEXTS, y_true=table, thresholds=0.5,
        split=["test"] * 40, **homes,
    )  # fmt: skip
    assert added.f1 == 1.0
    numbered = np.eye(12, dtype=int)[np.arange(24) % 12]
    elsewhere = {name: folder.parent / "twelve" / name for name, folder in homes.items()}
    added = tagifai.add_version(
        "v1", numbered * 0.8, texts=TEXTS[:24], y_true=numbered, thresholds=0.5,
        split=["test"] * 24, **elsewhere,
    )  # fmt: skip
    assert added.f1 == 1.0


def test_an_order_that_nobody_knows_is_asked_for(given, homes):
    given = {**given, "tags": TAGS[::-1], "y_true": Y_TRUE[:, ::-1]}
    tagifai.add_version("v1", Y_PROB[:, ::-1], thresholds=0.5, **given)
    with pytest.raises(TagifaiError, match="nobody knows which column is which tag"):
        tagifai.add_version("v2", Y_PROB, **homes)
    names = [[tag for tag, has in zip(TAGS, row, strict=True) if has] for row in Y_TRUE]
    with pytest.raises(TagifaiError, match="nobody knows which column is which tag"):
        tagifai.add_version("v2", Y_PROB, **{**given, "y_true": names, "tags": None})


def test_other_labels_than_before_are_refused(given):
    tagifai.add_version("v1", Y_PROB, **given)
    corrected = Y_TRUE.copy()
    corrected[3, 0] = 1
    with pytest.raises(TagifaiError, match=r"y_true: .* project '3' differs in 'cats'"):
        tagifai.add_version("v2", Y_PROB, **{**given, "y_true": corrected})


def test_parameters_of_any_kind_are_written(given, homes):
    params = {"lr": np.float32(0.5), "folder": homes["data"], "limit": float("inf"), "seed": 2**70}
    tagifai.add_version("v1", Y_PROB, params=params, **given)
    written = read(homes, "v1", "params.json")
    assert (written["lr"], written["limit"], written["seed"]) == (0.5, "inf", str(2**70))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 3}, "name: a text is needed, got 3"),
        ({"notes": 3}, "notes: a text is needed"),
        ({"links": "https://example.org"}, "links: a mapping of names is needed, got a str"),
        ({"links": {"run": "file:///etc/passwd"}}, r"links\['run'\]: an address with http"),
        ({"links": {"": "https://example.org"}}, "links: a name of 1 to 100 characters"),
        ({"params": [1]}, "params: a mapping of names is needed, got a list"),
        ({"params": {1: 2}}, "params: a name of 1 to 100 characters is needed, got 1"),
    ],
)
def test_what_a_version_says_of_itself_is_checked(given, homes, arguments, message):
    with pytest.raises(TagifaiError, match=f"^{message}"):
        tagifai.add_version(**{"name": "v1", "y_prob": Y_PROB, **given, **arguments})
    assert not homes["data"].exists()
