import json
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tagifai.api.callbacks import Run, TagifaiCallback, running
from tagifai.errors import TagifaiError

TEXTS = ["a cat", "a dog"] * 10
Y_TRUE = [[1, 0], [0, 1]] * 10


@dataclass
class State:
    """As `transformers.TrainerState`."""

    global_step: int
    epoch: float
    is_world_process_zero: bool = True


def predict(texts):
    return np.array([[0.9 * ("cat" in text), 0.9 * ("dog" in text)] for text in texts])


@pytest.fixture
def homes(tmp_path):
    return {"models": tmp_path / "model", "data": tmp_path / "data"}


def test_each_evaluation_adds_a_version(homes):
    callback = TagifaiCallback(
        TEXTS,
        Y_TRUE,
        tags=["cats", "dogs"],
        predict=predict,
        links={"notes": "https://example.org/7"},
        **homes,
    )
    for step in (100, 200):
        callback.on_evaluate(None, State(step, step / 100), None, model=None)
    assert [one.name for one in callback.added] == ["step-100", "step-200"]
    assert [one.f1 for one in callback.added] == [1.0, 1.0]
    info = json.loads((homes["models"] / "step-200" / "version.json").read_bytes())
    assert info["notes"] == "step 200, epoch 2"
    assert info["links"] == {"notes": "https://example.org/7"}


def test_tags_come_from_the_model(homes):
    model = SimpleNamespace(config=SimpleNamespace(id2label={1: "dogs", 0: "cats"}))
    callback = TagifaiCallback(TEXTS, Y_TRUE, predict=predict, **homes)
    callback.on_evaluate(None, State(1, 0.5), None, model=model)
    thresholds = json.loads((homes["models"] / "step-1" / "thresholds.json").read_bytes())
    assert list(thresholds) == ["cats", "dogs"]


def test_other_processes_write_nothing(homes):
    callback = TagifaiCallback(TEXTS, Y_TRUE, tags=["cats", "dogs"], predict=predict, **homes)
    callback.on_evaluate(None, State(1, 1, is_world_process_zero=False), None)
    assert callback.added == []
    assert not homes["models"].exists()


def test_what_is_missing_is_named(homes):
    with pytest.raises(TagifaiError, match="tags= is needed"):
        TagifaiCallback(TEXTS, Y_TRUE, predict=predict, **homes).on_evaluate(
            None, State(1, 1), None
        )
    with pytest.raises(TagifaiError, match="predict= is needed"):
        TagifaiCallback(TEXTS, Y_TRUE, tags=["cats", "dogs"], **homes).on_evaluate(
            None, State(1, 1), None
        )
    with pytest.raises(TagifaiError, match=r"y_true: shape \(20, 3\) is needed"):
        TagifaiCallback(TEXTS, Y_TRUE, tags=["a", "b", "c"], **homes)


def test_the_run_that_goes_on_is_on_the_version(monkeypatch, homes):
    assert running() == []
    wandb = ModuleType("wandb")
    wandb.run = SimpleNamespace(id="7f3a", url="https://wandb.ai/ann/tags/runs/7f3a")
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    callback = TagifaiCallback(TEXTS, Y_TRUE, tags=["cats", "dogs"], predict=predict, **homes)
    callback.on_evaluate(None, State(1, 0.5), None)
    info = json.loads((homes["models"] / "step-1" / "version.json").read_bytes())
    assert info["links"] == {"W&B run": "https://wandb.ai/ann/tags/runs/7f3a"}
    params = json.loads((homes["models"] / "step-1" / "params.json").read_bytes())
    assert params["W&B run"] == "7f3a"
    wandb.run = SimpleNamespace(id="7f3a", url="javascript:alert(1)")
    assert running() == [Run("W&B", "7f3a", "")]


def test_a_run_of_trackio_in_a_space_is_linked(monkeypatch):
    trackio = ModuleType("trackio")
    run = ContextVar("current_run", default=None)
    space = ContextVar("current_space_id", default=None)
    trackio.context_vars = SimpleNamespace(current_run=run, current_space_id=space)
    monkeypatch.setitem(sys.modules, "trackio", trackio)
    assert running() == []
    run.set(SimpleNamespace(name="first", url="ann/board"))
    assert running() == [Run("trackio", "first", "")]
    space.set("ann/board")
    assert running() == [Run("trackio", "first", "https://huggingface.co/spaces/ann/board")]
