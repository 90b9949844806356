"""Name subsets of projects that deserve a look of their own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.preprocessing import preprocess_text
from tagifai.records import Label, Text, read_rows

SLICE_FILE = "slices.json"
Predicate = Callable[[Project, Sequence[str]], bool]


@dataclass(frozen=True, slots=True)
class Slice:
    """A named predicate over a project and the words of its preprocessed text."""

    name: str
    description: str
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Conditions:
    """A predicate as data: each condition that is given must hold.

    `all_of`, `any_of` and `none_of` are about tags; `any_words` asks for at least one of these
    words (or runs of words) in the preprocessed text, whatever its case; `min_words` and
    `max_words` bound its number of words, both included.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    any_words: tuple[str, ...] = ()
    min_words: int | None = None
    max_words: int | None = None

    def __call__(self, project: Project, words: Sequence[str]) -> bool:
        """Tell whether a project with these words is in."""
        tags = set(project.tags)
        return (
            tags.issuperset(self.all_of)
            and (not self.any_of or not tags.isdisjoint(self.any_of))
            and tags.isdisjoint(self.none_of)
            and (self.min_words is None or len(words) >= self.min_words)
            and (self.max_words is None or len(words) <= self.max_words)
            and (not self.any_words or _any_run(self.any_words, words))
        )


SLICES: Mapping[str, Slice] = MappingProxyType(
    {
        "cv_transformers": Slice(
            "cv_transformers",
            "Tagged computer-vision and transformers: text models at work on images.",
            Conditions(all_of=("computer-vision", "transformers")),
        ),
        "short_text": Slice(
            "short_text",
            "Fewer than 7 words after preprocessing: little to go by.",
            Conditions(max_words=6),
        ),
    }
)


def select_slices(
    projects: Sequence[Project],
    preprocess: Callable[[str], str] = preprocess_text,
    slices: Mapping[str, Slice] = SLICES,
) -> dict[str, npt.NDArray[np.bool_]]:
    """Tell by slice which projects are in it: boolean arrays of shape (n_projects,).

    >>> cat = Project("1", "Cat detector", "", ("computer-vision",))
    >>> select_slices([cat])["short_text"].tolist()
    [True]
    """
    words = [preprocess(project.text).split() for project in projects]
    return {
        name: np.fromiter(
            (chosen.predicate(*pair) for pair in zip(projects, words, strict=True)),
            dtype=bool,
            count=len(words),
        )
        for name, chosen in slices.items()
    }


def load_slices(folder: Path | str) -> dict[str, Slice]:
    """Add the slices of a data folder's `slices.json`, where there is one, to `SLICES`.

    The file is a list of objects: `name`, `description`, and at least one of the `Conditions`.

    Raises:
        TagifaiError: the file is malformed, or a name comes twice; it names file, row, field.
    """
    path = Path(folder) / SLICE_FILE
    slices = dict(SLICES)
    if not path.exists():
        return slices
    for number, row in enumerate(read_rows(path, _SliceRow), start=1):
        if row.name in slices:
            whose = "tagifai's own" if row.name in SLICES else "an earlier row's"
            raise TagifaiError(
                f"{path}: row {number}, name: {row.name!r} is {whose}; names are unique"
            )
        given: dict[str, Any] = row.model_dump(exclude={"name", "description"}, exclude_none=True)
        for key in given.keys() & {"all_of", "any_of", "none_of", "any_words"}:
            given[key] = tuple(given[key])
        slices[row.name] = Slice(row.name, row.description, Conditions(**given))
    return slices


Labels = Annotated[list[Label], Field(min_length=1)]
Number = Annotated[StrictInt, Field(ge=0)]


class _SliceRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Label
    description: Text = ""
    all_of: Labels | None = None
    any_of: Labels | None = None
    none_of: Labels | None = None
    any_words: Labels | None = None
    min_words: Number | None = None
    max_words: Number | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Any:
        if not self.model_dump(exclude={"name", "description"}, exclude_none=True):
            allowed = ", ".join(Conditions.__dataclass_fields__)
            raise ValueError(f"no condition; give at least one of {allowed}")
        low, high = self.min_words, self.max_words
        if low is not None and high is not None and low > high:
            raise ValueError(f"min_words {low} is above max_words {high}: no text fits")
        return self


def _any_run(runs: Iterable[str], words: Sequence[str]) -> bool:
    text = f" {' '.join(words)} ".lower()
    # The stopwords of a run would not stand in the text either.
    return any(f" {run} " in text for run in map(preprocess_text, runs) if run)
