import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.data import load_dataset
from tagifai.errors import TagifaiError
from tagifai.models.params import Params
from tagifai.training.repetition import flat_metrics
from tagifai.training.train import train


@pytest.fixture(scope="module")
def trained():
    return train(small_dataset(), SMALL_PARAMS)


def test_a_version_holds_what_its_files_need(trained):
    assert trained.params == SMALL_PARAMS
    assert trained.predictions.tags == trained.tags
    assert list(trained.thresholds) == list(trained.tags)
    assert all(0 <= threshold <= 1 for threshold in trained.thresholds.values())
    assert len(trained.predictions.ids) == 160
    assert set(trained.predictions.split) == {"train", "val", "test"}
    json.dumps(trained.performance, allow_nan=False)


def test_performance_is_that_of_the_test_projects(trained):
    test = trained.predictions.select("test")
    cut = np.array([trained.thresholds[tag] for tag in test.tags])
    hits = ((test.y_prob >= cut) & (test.y_true == 1)).sum(axis=0)
    overall, by_tag = trained.performance["overall"], trained.performance["class"]
    assert overall["num_samples"] == len(test.ids)
    for t, tag in enumerate(test.tags):
        assert by_tag[tag]["recall"] == pytest.approx(hits[t] / test.y_true[:, t].sum())
    assert overall["f1"] > 0.8
    assert trained.performance["behavioral"]["num_samples"] > 20


def test_learnt_projects_have_probabilities_they_were_not_fitted_to(trained):
    learnt = trained.predictions.take(np.flatnonzero(trained.predictions.split != "test"))
    np.testing.assert_array_equal(learnt.y_prob, trained.model.oof_prob_)


def test_test_projects_do_not_influence_the_model(trained):
    dataset = small_dataset()
    rows = np.flatnonzero(trained.predictions.split == "test")
    projects = list(dataset.projects)
    for row in rows:
        old = projects[row]
        projects[row] = type(old)(old.id, "entirely different", "words here", old.tags)
    other = train(type(dataset)(tuple(projects), dataset.tags, "changed"), SMALL_PARAMS, tests=())
    np.testing.assert_array_equal(other.model.coef_, trained.model.coef_)
    assert other.thresholds == trained.thresholds


SCRIPT = """
import json, sys
from small_corpus import SMALL_PARAMS, small_dataset
from tagifai.training.train import train
sys.stdout.write(json.dumps(train(small_dataset(), SMALL_PARAMS).performance))
"""


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes_in_another_process(trained):
    here = Path(__file__).parent
    printed = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]),
            "PYTHONHASHSEED": "123",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed == json.dumps(trained.performance)


def test_a_single_tag_can_be_learnt():
    dataset = small_dataset()
    keep = {"computer-vision"}
    tags = {name: tag for name, tag in dataset.tags.items() if name in keep}
    trained = train(replace(dataset, tags=tags), SMALL_PARAMS)
    assert trained.tags == ("computer-vision",)


@pytest.mark.parametrize(
    ("dataset", "params", "message"),
    [
        (small_dataset(), Params(min_tag_freq=1000), "no tag reaches min_tag_freq 1000"),
        (
            small_dataset(8),
            Params(min_tag_freq=1),
            "8 projects; at least 20 are needed for",
        ),
    ],
)
def test_too_little_data_is_told(dataset, params, message):
    with pytest.raises(TagifaiError, match=message):
        train(dataset, params)


@pytest.mark.long
@pytest.mark.realdata
def test_the_real_data_is_learnt_as_well_as_promised(real_data):
    trained = train(load_dataset(real_data), Params(seed=0))
    metrics = flat_metrics(trained.performance)
    # One split deviates by 0.013 or so: these bounds are three deviations below the means.
    assert metrics["f1"] > 0.715
    assert metrics["macro_f1"] > 0.66
    assert metrics["ece"] < 0.010
    assert metrics["brier"] < 0.026
    groups = trained.performance["behavioral"]["by_group"]
    assert groups["mft-name"]["score"] >= 0.94
    assert groups["mft-misspelt-several-words"]["score"] >= 0.85
    assert groups["mft-misspelt-one-word"]["score"] > 0.59
