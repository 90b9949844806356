"""A version at each evaluation while a transformer is trained."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np

from tagifai.api.adding import AddedVersion, Thresholds, add_version
from tagifai.api.inputs import read_tags, read_texts, read_truth
from tagifai.arrays import Array
from tagifai.errors import TagifaiError, shorten
from tagifai.training.releases import is_web_address

SPACES = "https://huggingface.co/spaces/"


class TrainerState(Protocol):
    """What is read of a trainer's state."""

    global_step: int
    epoch: float | None
    is_world_process_zero: bool


Predict = Callable[[list[str]], object]


class TagifaiCallback:
    """Add a version at each evaluation of a `transformers.Trainer`.

    ``trainer.add_callback(TagifaiCallback(texts, y_true, tags=tags))`` is all it takes.
    Where several processes train, only the first one writes.

    Parameters
    ----------
    texts, y_true : list or array
        The texts that the model does not learn from, and their labels; see `show`.
    tags : list of str, optional
        The names of the columns; by default those of the model's ``id2label``.
    predict : callable, optional
        Takes a list of texts and returns probabilities (n_texts, n_tags). By default the model is
        asked, through its tokenizer, one sigmoid for each tag.
    name : str
        The versions' names, with ``{step}`` and ``{epoch}`` in them.
    models, data : str or Path
        Where versions are written; the folder of the data, written at the first evaluation.
    thresholds : float or mapping
        The probability from which a tag is predicted.
    links : mapping, optional
        Web addresses by name, for the version's card. The run of W&B or trackio that is going on
        is added, and its name is among the parameters.
    batch_size, max_length : int
        How many texts are asked at once, and of how many tokens each.

    Attributes
    ----------
    added : list of AddedVersion
        The versions so far.
    """

    def __new__(cls, *_: object, **__: object) -> "TagifaiCallback":
        """Make it a `transformers.TrainerCallback` where transformers is installed."""
        base = _base()
        kind = cls if base is None or issubclass(cls, base) else _derived(cls, base)
        return object.__new__(kind)

    def __init__(
        self,
        texts: object,
        y_true: object,
        *,
        tags: object = None,
        predict: Predict | None = None,
        name: str = "step-{step}",
        models: str | Path = "model",
        data: str | Path = "data",
        thresholds: Thresholds = 0.5,
        links: Mapping[str, str] | None = None,
        batch_size: int = 32,
        max_length: int = 512,
    ) -> None:
        self.texts = read_texts(texts)
        self.y_true = y_true
        self.tags = None if tags is None else read_tags(tags)
        if self.tags is not None:
            read_truth(y_true, len(self.texts), self.tags)
        self.predict = predict
        self.name = name
        self.homes = {"models": models, "data": data}
        self.thresholds = thresholds
        self.links = dict(links or {})
        self.batch_size, self.max_length = batch_size, max_length
        self.added: list[AddedVersion] = []

    def on_evaluate(
        self, args: object, state: TrainerState, control: object, **given: object
    ) -> None:
        """Predict the texts and write a version."""
        if not state.is_world_process_zero:
            return
        model = given.get("model")
        tags = self.tags or _tags_of(model)
        if self.predict is not None:
            y_prob = self.predict(list(self.texts))
        else:
            tokenizer = given.get("processing_class") or given.get("tokenizer")
            y_prob = predict_texts(model, tokenizer, self.texts, self.batch_size, self.max_length)
        runs = running()
        epoch = f"{state.epoch:g}" if state.epoch is not None else "0"
        added = add_version(
            self.name.format(step=state.global_step, epoch=epoch),
            y_prob,
            texts=self.texts,
            y_true=self.y_true,
            tags=tags,
            split=["test"] * len(self.texts),
            models=self.homes["models"],
            data=self.homes["data"],
            thresholds=self.thresholds,
            notes=f"step {state.global_step}, epoch {epoch}",
            links={
                **{f"{run.tracker} run": run.address for run in runs if run.address},
                **self.links,
            },
            params={f"{run.tracker} run": run.name for run in runs if run.name},
        )
        self.added.append(added)


def predict_texts(
    model: object, tokenizer: object, texts: list[str], batch_size: int, max_length: int
) -> Array:
    """Ask a sequence classifier for one sigmoid for each tag, as it is while it is trained.

    Raises
    ------
    TagifaiError
        There is no model or no tokenizer.
    """
    if not callable(model) or not callable(tokenizer):
        raise TagifaiError(
            "TagifaiCallback: the trainer has no tokenizer (processing_class=…), so predict= is "
            "needed: a function from texts to probabilities"
        )
    import torch

    was_training = bool(getattr(model, "training", False))
    device = next(model.parameters()).device  # type: ignore[attr-defined]
    model.eval()  # type: ignore[attr-defined]
    found = []
    try:
        with torch.no_grad():
            for start in range(0, len(texts), batch_size):
                batch = tokenizer(
                    texts[start : start + batch_size],
                    padding=True,
                    truncation=True,
                    max_length=max_length,
                    return_tensors="pt",
                )
                logits = model(**{name: value.to(device) for name, value in batch.items()}).logits
                found.append(torch.sigmoid(logits.float()).cpu().numpy())
    finally:
        model.train(was_training)  # type: ignore[attr-defined]
    return np.concatenate(found)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of W&B or trackio that is going on.

    Attributes
    ----------
    tracker : str
        "W&B" or "trackio".
    name : str
        The run's id in W&B, its name in trackio; "" where it has none.
    address : str
        Where a browser finds it; "" where it is only on this machine.
    """

    tracker: str
    name: str
    address: str


def running() -> list[Run]:
    """List the runs of W&B and trackio that are going on in this program.

    Neither is imported: only a program that uses one has a run.
    """
    found = []
    run = getattr(sys.modules.get("wandb"), "run", None)
    if run is not None:
        found.append(_read_run("W&B", run, "id", getattr(run, "url", None)))
    context = getattr(sys.modules.get("trackio"), "context_vars", None)
    run = _get_variable(context, "current_run")
    if run is not None:
        space = _get_variable(context, "current_space_id")
        address = f"{SPACES}{space}" if space else getattr(run, "url", None)
        found.append(_read_run("trackio", run, "name", address))
    return found


def _get_variable(context: object, name: str) -> object:
    get = getattr(getattr(context, name, None), "get", None)
    return get(None) if callable(get) else None


def _read_run(tracker: str, run: object, attribute: str, address: object) -> Run:
    name = getattr(run, attribute, None)
    return Run(
        tracker,
        name if isinstance(name, str) else "",
        str(address) if is_web_address(address) else "",
    )


def _tags_of(model: object) -> tuple[str, ...]:
    names = getattr(getattr(model, "config", None), "id2label", None)
    if not isinstance(names, Mapping) or not names:
        raise TagifaiError(
            f"TagifaiCallback: tags= is needed: the model ({shorten(type(model).__name__)}) has no "
            "id2label"
        )
    return read_tags([names[number] for number in sorted(names)], "id2label of the model")


def _base() -> type | None:
    try:
        found: type = import_module("transformers").TrainerCallback
    except ImportError:
        return None
    return found


def _derived(kind: type, base: type) -> type:
    return type(kind.__name__, (kind, base), {"__module__": kind.__module__})
