"""What all rows share: how much to measure, the data in its sizes, the versions, the browser."""

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from threadpoolctl import threadpool_limits

from benchmarks.apps import App
from benchmarks.corpora import read_records, write_corpus
from benchmarks.counted import PlainCount
from benchmarks.results import Findings
from tagifai.data import Dataset, load_dataset
from tagifai.data.config import load_config
from tagifai.predictions import Predictions
from tagifai.store.prediction_table import (
    PREDICTIONS_FILE,
    pack_predictions,
    unpack_predictions,
)

SMALL, MIDDLE, LARGE = 1, 10, 100


@dataclass
class Bench:
    """How much to measure, on which data; what is made of it lives below `scratch`."""

    real: Path
    scratch: Path
    quick: bool
    browser: Any
    say: Callable[[str], None]
    training_seconds: float = 0.0
    _made: dict[int, Path] = field(default_factory=dict)
    _counts: dict[int, PlainCount] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """How often each thing is measured that takes no longer than a few seconds."""
        return 3 if self.quick else 20

    @property
    def few(self) -> int:
        """How often what takes several seconds is measured."""
        return 1 if self.quick else 2

    @property
    def times(self) -> tuple[int, ...]:
        """How many times over the real projects are taken."""
        return (SMALL,) if self.quick else (SMALL, MIDDLE, LARGE)

    @property
    def ends(self) -> tuple[int, ...]:
        """The smallest and the largest of `times`."""
        return tuple(dict.fromkeys((self.times[0], self.times[-1])))

    @cached_property
    def num_real(self) -> int:
        """How many real projects there are."""
        return len(read_records(self.real / "projects.json"))

    def size(self, times: int) -> int:
        """Return how many projects the data folder of `times` has."""
        return self.num_real * times

    def data(self, times: int) -> Path:
        """Return the data folder in which the real projects stand `times` over."""
        if times not in self._made:
            folder = self.scratch / f"data-{times}"
            self._made[times] = write_corpus(self.real, folder, times)
        return self._made[times]

    def counts(self, times: int) -> PlainCount:
        """Count the tags of a data folder the plain way."""
        if times not in self._counts:
            folder = self.data(times)
            projects = read_records(folder / "projects.json")
            tags = read_records(folder / "tags.json")
            self._counts[times] = PlainCount(projects, tags, load_config(folder).excluded)
        return self._counts[times]

    def app(self, who: str, times: int) -> App:
        """Return one of the measured apps on the data of `times`."""
        return App(who, self.data(times), self.models(times), self.scratch)

    @cached_property
    def dataset(self) -> Dataset:
        """Read the real data."""
        return load_dataset(self.data(SMALL))

    @cached_property
    def trained(self) -> Any:
        """Train on the real data: the best recipe, or in haste a light one."""
        from tagifai.models.params import Params
        from tagifai.training.train import train

        light = Params(
            folds=2,
            word_ngrams=1,
            char_ngrams=0,
            aliases="none",
            estimator="logistic",
            log_count_ratio=False,
        )
        params = light if self.quick else Params()
        start = time.process_time()
        with threadpool_limits(1):
            trained = train(self.dataset, params)
        self.training_seconds = time.process_time() - start
        return trained

    @cached_property
    def real_models(self) -> Path:
        """Return a folder of two versions and a workspace, trained on the real data."""
        from tagifai.store.naming import WORKSPACE
        from tagifai.store.sources import FolderSource
        from tagifai.training.releases import version_files

        source = FolderSource(self.scratch / "model-1")
        first = version_files(self.trained, self.dataset, name="v0.1.0", notes="One.")
        source.write("v0.1.0", first)
        source.write("v0.2.0", {**first, **_moved(first, "v0.2.0")})
        source.write(WORKSPACE, first)
        return source.path

    def models(self, times: int) -> Path:
        """Return the versions whose predictions are of the data of `times`."""
        folder = self.scratch / f"model-{times}"
        if times == SMALL or folder.exists():
            return self.real_models if times == SMALL else folder
        shutil.copytree(self.real_models, folder)
        for version in folder.iterdir():
            _repeat_predictions(version, times)
        return folder


Measure = Callable[[Bench], Findings]


def _moved(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    """Make a second version of a first: other probabilities, other thresholds, another name."""
    predictions = _unpack(files, name)
    noise = np.random.default_rng(1).normal(0, 0.05, predictions.y_prob.shape)
    y_prob = np.clip(predictions.y_prob + noise, 0, 1).astype(np.float32)
    moved = Predictions(
        predictions.ids, predictions.split, predictions.tags, predictions.y_true, y_prob
    )
    info = {**orjson.loads(files["version.json"]), "name": name}
    # So that each tag's figures differ, and it can be seen when the other version's are there.
    thresholds = orjson.loads(files["thresholds.json"])
    higher = {tag: round(min(0.99, value + 0.01), 6) for tag, value in thresholds.items()}
    return {
        PREDICTIONS_FILE: pack_predictions(moved),
        "version.json": orjson.dumps(info),
        "thresholds.json": orjson.dumps(higher),
    }


def _unpack(files: dict[str, bytes], name: str) -> Predictions:
    """Read predictions of either form."""
    if PREDICTIONS_FILE in files:
        return unpack_predictions(files[PREDICTIONS_FILE], name)
    return Predictions.from_bytes(files["predictions.npz"], name)


def _repeat_predictions(folder: Path, times: int) -> None:
    """Write a version predictions of enlarged data: each project's copies predicted as it is."""
    files = {path.name: path.read_bytes() for path in folder.glob("predictions.*")}
    one = _unpack(files, folder.name)
    chance = random.Random(times)
    ids = [i if copy == 0 else f"{i}-{copy}" for copy in range(times) for i in one.ids]
    shift = np.array([chance.gauss(0, 0.01) for _ in ids], np.float32)[:, None]
    many = Predictions(
        tuple(ids),
        np.tile(one.split, times),
        one.tags,
        np.tile(one.y_true, (times, 1)),
        np.clip(np.tile(one.y_prob, (times, 1)) + shift, 0, 1).astype(np.float32),
    )
    (folder / PREDICTIONS_FILE).write_bytes(pack_predictions(many))
