"""Measure two ways through the code by tracing a real run: how far a reader has to follow.

What travels is handed from function to function: two names of versions until there is a verdict,
a folder with a projects file until there is a trained version.

- A *station* is a function or method of the package that receives what travels as an argument.
  What travels changes its form: names become versions, and versions predictions; a folder becomes
  a dataset, then prepared projects, a model, predictions and the files of a version.
- A *room* is a module with a station.
- A *return* is a step from one station to the next, in the order in which they are first reached,
  into a room that the way had left before.
- A *name* is a parameter's name at a station: all that a reader has to know there.

Methods of what travels are its own, and lambdas and comprehensions belong to the function around
them: neither is a station.

Returns and names are about half of what they were. Half the stations and rooms would be worse code.
Of the stations of a comparison, ten read a version: they check its name, its size and that no link
leads out of the folder, and read it again only when it has changed. Each does one of these for
every source of versions. The rest are steps of `comparison.compare`, of which none is longer than
60 lines. Of the stations of a training, sixteen read the projects file: bounded, of five kinds,
with the row of a mistake. Fewer stations would be longer functions; fewer rooms would put reading,
learning, scoring and writing, which are tested apart, into one module.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parent.parent
PACKAGE = str(ROOT / "tagifai")
Carries = Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class Way:
    """What a way leads through.

    Attributes
    ----------
    stations : tuple of (str, str)
        File and qualified name of each function, in the order in which they are first reached.
    names : frozenset of str
        The names of their parameters.
    """

    stations: tuple[tuple[str, str], ...]
    names: frozenset[str]

    @property
    def num_rooms(self) -> int:
        """Number of modules."""
        return len({file for file, _ in self.stations})

    @property
    def num_returns(self) -> int:
        """Number of steps back into a module that the way had left."""
        files = [file for file, _ in self.stations]
        steps = list(pairwise(files))
        return sum(
            there != here and there in files[: place + 1]
            for place, (here, there) in enumerate(steps)
        )


def follow(run: Callable[[], object], carries: Carries, package: str = PACKAGE) -> Way:
    """Run something and return the way that what travels takes through the package."""
    stations: dict[tuple[str, str], None] = {}
    names: set[str] = set()

    def watch(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        inside = code.co_filename.startswith(package) and not code.co_name.startswith("<")
        if event != "call" or not inside:
            return
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        own = [name for name in arguments if name not in ("self", "cls")]
        if any(carries(frame.f_locals.get(name)) for name in own):
            stations[code.co_filename, code.co_qualname] = None
            names.update(own)

    sys.setprofile(watch)
    try:
        run()
    finally:
        sys.setprofile(None)
    return Way(tuple(stations), frozenset(names))


def follow_comparison() -> Way:
    """Follow two names of versions to a verdict, on the embedded demonstration."""
    from tagifai.predictions import Predictions
    from tagifai.services.app import Services
    from tagifai.settings import Settings
    from tagifai.store.versions import Version

    services = Services(Settings(data=ROOT / "data", models=str(ROOT / "model"), no_cache=True))
    latest = services.versions.latest("predictions")
    pair = next(name for name in services.versions.names() if name != latest), latest

    def carries(value: object) -> bool:
        return isinstance(value, Version | Predictions) or (
            isinstance(value, str) and value in pair
        )

    return follow(lambda: services.comparisons.compare(*pair), carries)


def follow_training() -> Way:
    """Follow a projects file to a trained version that is written, on 80 small projects."""
    from tagifai.data import Dataset, Prepared, load_dataset
    from tagifai.models.classifier import TagClassifier
    from tagifai.models.params import Params
    from tagifai.predictions import Predictions
    from tagifai.store.sources import FolderSource
    from tagifai.training.releases import NewVersion, new_version
    from tagifai.training.train import Trained, train

    forms = Dataset, Prepared, TagClassifier, Predictions, Trained, NewVersion
    animals = (("cats", "a cat purrs"), ("dogs", "a dog barks"))
    rows = [
        {"id": i, "title": f"project {i}", "description": text, "tags": [tag]}
        for i, (tag, text) in enumerate(animals[number % 2] for number in range(80))
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "projects.json").write_text(json.dumps(rows), "utf-8")

        def carries(value: object) -> bool:
            if isinstance(value, Path):
                return value == folder or folder in value.parents
            files = isinstance(value, dict) and "performance.json" in value
            return files or isinstance(value, forms)

        def run() -> None:
            dataset = load_dataset(folder)
            version = new_version(train(dataset, Params(min_tag_freq=5)), dataset)
            FolderSource(folder / "model").write("workspace", version.to_files())

        return follow(run, carries)
