"""Name subsets of projects that deserve a look of their own."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from tagifai.arrays import Booleans
from tagifai.data import Dataset, Project, known_columns, known_tags
from tagifai.data.names import normalise_names, refuse_unknown_in_rows
from tagifai.data.records import read_rows
from tagifai.data.validation import Label, Text, check_row
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
    """A predicate as data: every condition that is set must hold.

    Parameters
    ----------
    all_of, any_of, none_of : tuple of str
        Tags of which the project carries all, at least one, or none.
    all_words, any_words : tuple of str
        Words, or runs of words, of which the preprocessed text contains all, or at least one,
        whatever their case.
    min_words, max_words : int, optional
        Bounds of the number of words, both included.
    min_unseen : float, optional
        Least share, in [0, 1], of the words that no other project's text contains. Training
        never saw them, whatever the split.
    columns : mapping of str to tuple of str
        Other columns of the data, and the values, as text, of which the project has one.
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
        """Return whether a project with these words, `unseen` of them in no other, is in.

        The words of the conditions are preprocessed as those of the project were.
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

    def given(self) -> dict[str, object]:
        """Return the conditions that are set, in the form that JSON files have.

        >>> Conditions(all_of=("nlp",), max_words=6).given()
        {'all_of': ['nlp'], 'max_words': 6}
        """
        found: dict[str, object] = {}
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
    def of(cls, values: Mapping[str, object], where: str = "slice") -> "Conditions":
        """Build conditions from what `given` returns; tags are normalised as those of the data.

        Raises
        ------
        TagifaiError
            None is given, or one is unknown or malformed; the message starts with `where` and names
            it.
        """
        row = check_row(where, dict(values), _ConditionsRow)
        return cls(
            all_of=normalise_names(row.all_of or ()),
            any_of=normalise_names(row.any_of or ()),
            none_of=normalise_names(row.none_of or ()),
            all_words=tuple(row.all_words or ()),
            any_words=tuple(row.any_words or ()),
            min_words=row.min_words,
            max_words=row.max_words,
            min_unseen=row.min_unseen,
            columns={column: tuple(values) for column, values in (row.columns or {}).items()},
        )

    def check_names(
        self, tags: Sequence[str], columns: Sequence[str], where: str = "slice"
    ) -> None:
        """Check that the tags and columns are among those of the data.

        Raises
        ------
        TagifaiError
            They are not; the message lists each with the nearest known one.
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
    """Select the projects of each slice.

    Parameters
    ----------
    projects : sequence of Project
        The projects to select from.
    preprocess : callable
        Turns a text into words.
    slices : mapping of str to Slice, optional
        The slices, by name.
    among : sequence of Project, optional
        All projects of the data, whose words count as seen; by default `projects`.

    Returns
    -------
    selected : dict of str to bool array of shape (n_projects,)

    Examples
    --------
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
        inside: Iterable[bool] = (
            (holds(*three, preprocess) for three in zip(projects, words, unseen, strict=True))
            if isinstance(holds, Conditions)
            else (holds(*pair) for pair in zip(projects, words, strict=True))
        )
        selected[name] = np.fromiter(inside, dtype=bool, count=len(words))
    return selected


def unseen_shares(words: Sequence[Sequence[str]], among: Sequence[Sequence[str]]) -> list[float]:
    """Return the share of each text's words that at most one of the texts `among` has.

    >>> unseen_shares([["red", "cat"], ["cat"], []], [["red", "cat"], ["cat"], []])
    [0.5, 0.0, 0.0]
    """
    used = Counter(word for own in among for word in set(own))
    return [
        sum(used[word] <= 1 for word in set(own)) / len(set(own)) if own else 0.0 for own in words
    ]


def load_slices(folder: Path | str, dataset: Dataset | None = None) -> dict[str, Slice]:
    """Read the slices of a data folder's `slices.json`; an empty dict where there is no such file.

    The file is a list of objects with `name`, `description` and at least one of the `Conditions`.

    Parameters
    ----------
    folder : Path or str
        The data folder.
    dataset : Dataset, optional
        Its data; the slices may name its tags and columns alone.

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
    def _makes_sense(self) -> Self:
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
