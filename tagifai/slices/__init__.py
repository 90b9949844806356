"""Name subsets of projects that deserve a look of their own."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from tagifai.arrays import Booleans
from tagifai.data import Dataset, Project, known_columns, known_tags
from tagifai.data.names import normalise_names, refuse_unknown_in_rows
from tagifai.data.records import Label, Text, check_row, read_rows
from tagifai.errors import TagifaiError
from tagifai.text.preprocessing import preprocess_text

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

    `all_of`, `any_of` and `none_of` are about tags. `all_words` asks for all of these words (or
    runs of words) in the preprocessed text, `any_words` for at least one, whatever their case;
    `min_words` and `max_words` bound its number of words, both included. `min_unseen`, in
    [0, 1]: at least this share of its words stands in no other project's text, so that whatever
    the split, training never saw them. `columns`: for each of these other columns of the data,
    the values, as text, of which one must stand there.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    all_words: tuple[str, ...] = ()
    any_words: tuple[str, ...] = ()
    min_words: int | None = None
    max_words: int | None = None
    min_unseen: float | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __call__(
        self,
        project: Project,
        words: Sequence[str],
        unseen: float = 0.0,
        preprocess: Callable[[str], str] = preprocess_text,
    ) -> bool:
        """Tell whether a project with these words, `unseen` of them in no other, is in.

        Words that are asked for are preprocessed as those of the project were.
        """
        tags = set(project.tags)
        return (
            tags.issuperset(self.all_of)
            and (not self.any_of or not tags.isdisjoint(self.any_of))
            and tags.isdisjoint(self.none_of)
            and (self.min_words is None or len(words) >= self.min_words)
            and (self.max_words is None or len(words) <= self.max_words)
            and (self.min_unseen is None or unseen >= self.min_unseen)
            and all(
                str(project.extra[column]) in values if column in project.extra else False
                for column, values in self.columns.items()
            )
            and all(_any_run([run], words, preprocess) for run in self.all_words)
            and (not self.any_words or _any_run(self.any_words, words, preprocess))
        )

    def given(self) -> dict[str, Any]:
        """Give the conditions that are asked for, as JSON keeps them.

        >>> Conditions(all_of=("nlp",), max_words=6).given()
        {'all_of': ['nlp'], 'max_words': 6}
        """
        found: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, Mapping):
                value = {column: list(values) for column, values in value.items()}
            elif isinstance(value, tuple):
                value = list(value)
            if value is not None and value != [] and value != {}:
                found[name] = value
        return found

    @classmethod
    def of(cls, values: Mapping[str, Any], where: str = "slice") -> "Conditions":
        """Build conditions from what `given` gives; tags in the form in which data has them.

        Raises:
            TagifaiError: none is given, or one is unknown or malformed; the message starts
                with `where` and names it.
        """
        row = check_row(where, dict(values), _ConditionsRow)
        given: dict[str, Any] = row.model_dump(include=set(cls.__dataclass_fields__))
        for key, value in given.items():
            if isinstance(value, list):
                given[key] = normalise_names(value) if key in _OF_TAGS else tuple(value)
        given["columns"] = {
            column: tuple(values) for column, values in (given["columns"] or {}).items()
        }
        return cls(**{key: value for key, value in given.items() if value is not None})

    def check_names(
        self, tags: Sequence[str], columns: Sequence[str], where: str = "slice"
    ) -> None:
        """Refuse tags and columns that are not among those of the data.

        Raises
        ------
        TagifaiError
            Names every such tag, or column, with the nearest known one.
        """
        refuse_unknown_in_rows(self.named(), tags, where)
        refuse_unknown_in_rows([("columns", self.columns)], columns, where, what="column")

    def named(self, place: str = "") -> list[tuple[str, Sequence[str]]]:
        """List the tags that each condition on tags names, by `place` and the condition's name."""
        return [(f"{place}{key}", getattr(self, key)) for key in _OF_TAGS]


_OF_TAGS = ("all_of", "any_of", "none_of")


def select_slices(
    projects: Sequence[Project],
    preprocess: Callable[[str], str] = preprocess_text,
    slices: Mapping[str, Slice] | None = None,
    among: Sequence[Project] | None = None,
) -> dict[str, Booleans]:
    """Tell by slice which projects are in it: boolean arrays of shape (n_projects,).

    `among` are all projects of the data, by default these: whose words count as seen.

    >>> cat = Project("1", "Cat detector", "", ("computer-vision",))
    >>> short = Slice("short", "", Conditions(max_words=6))
    >>> select_slices([cat], slices={"short": short})["short"].tolist()
    [True]
    """
    slices = slices or {}
    words = [preprocess(project.text).split() for project in projects]
    unseen = [0.0] * len(words)
    if any(getattr(chosen.predicate, "min_unseen", None) is not None for chosen in slices.values()):
        others = words if among is None else [preprocess(p.text).split() for p in among]
        unseen = unseen_shares(words, others)
    selected = {}
    for name, chosen in slices.items():
        holds = chosen.predicate
        told: Iterable[bool] = (
            (holds(*three, preprocess) for three in zip(projects, words, unseen, strict=True))
            if isinstance(holds, Conditions)
            else (holds(*pair) for pair in zip(projects, words, strict=True))
        )
        selected[name] = np.fromiter(told, dtype=bool, count=len(words))
    return selected


def unseen_shares(words: Sequence[Sequence[str]], among: Sequence[Sequence[str]]) -> list[float]:
    """Give the share of each text's words that only one of the texts `among` has.

    >>> unseen_shares([["red", "cat"], ["cat"], []], [["red", "cat"], ["cat"], []])
    [0.5, 0.0, 0.0]
    """
    used = Counter(word for own in among for word in set(own))
    return [
        sum(used[word] <= 1 for word in set(own)) / len(set(own)) if own else 0.0 for own in words
    ]


def load_slices(folder: Path | str, dataset: Dataset | None = None) -> dict[str, Slice]:
    """Read the slices of a data folder's `slices.json`; none where there is no such file.

    The file is a list of objects: `name`, `description`, and at least one of the `Conditions`.

    Parameters
    ----------
    folder : Path or str
        The data folder.
    dataset : Dataset, optional
        Its data, whose tags and columns alone may be named.

    Raises
    ------
    TagifaiError
        The file is malformed, a name comes twice, or a tag or column is not in `dataset`; the
        message names file, row and field.
    """
    path = Path(folder) / SLICE_FILE
    slices: dict[str, Slice] = {}
    if not path.exists():
        return slices
    places: list[tuple[str, Sequence[str]]] = []
    columns: list[tuple[str, Sequence[str]]] = []
    for number, row in enumerate(read_rows(path, _SliceRow), start=1):
        if row.name in slices:
            raise TagifaiError(
                f"{path}: row {number}, name: {row.name!r} is an earlier row's; names are unique"
            )
        given = row.model_dump(exclude={"name", "description"}, exclude_none=True)
        conditions = Conditions.of(given, f"{path}: row {number}")
        slices[row.name] = Slice(row.name, row.description, conditions)
        places += conditions.named(f"row {number}, ")
        columns.append((f"row {number}, columns", list(conditions.columns)))
    if dataset is not None:
        refuse_unknown_in_rows(places, known_tags(dataset), str(path))
        refuse_unknown_in_rows(columns, known_columns(dataset), str(path), what="column")
    return slices


Labels = Annotated[list[Label], Field(min_length=1)]
Number = Annotated[StrictInt, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]


class _ConditionsRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    all_of: Labels | None = None
    any_of: Labels | None = None
    none_of: Labels | None = None
    all_words: Labels | None = None
    any_words: Labels | None = None
    min_words: Number | None = None
    max_words: Number | None = None
    min_unseen: Share | None = None
    columns: Annotated[dict[Label, Labels], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Any:
        if not self.model_dump(exclude={"name", "description"}, exclude_none=True):
            allowed = ", ".join(Conditions.__dataclass_fields__)
            raise ValueError(f"no condition; give at least one of {allowed}")
        low, high = self.min_words, self.max_words
        if low is not None and high is not None and low > high:
            raise ValueError(f"min_words {low} is above max_words {high}: no text fits")
        return self


class _SliceRow(_ConditionsRow):
    name: Label
    description: Text = ""


def _any_run(runs: Iterable[str], words: Sequence[str], preprocess: Callable[[str], str]) -> bool:
    text = f" {' '.join(words)} ".lower()
    # The stopwords of a run would not stand in the text either.
    return any(f" {run.lower()} " in text for run in map(preprocess, runs) if run)
