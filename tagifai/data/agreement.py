"""How far two annotators agree: one tagging of some projects against another."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from tagifai.data import Project
from tagifai.data.names import normalise_names
from tagifai.data.project import identify
from tagifai.data.records import read_rows
from tagifai.data.validation import Label
from tagifai.errors import TagifaiError, shorten

SECOND_TAGS = "second_tags.json"


class _TaggedRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Annotated[Label, BeforeValidator(identify)]
    tags: list[Label]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two taggings of the same projects agree.

    Attributes
    ----------
    num_projects : int
        Projects that were tagged twice.
    f1 : float or None
        F1 of the one tagging against the other, in [0, 1] and the same in both directions, pooled
        over pairs of project and tag; None where neither has a tag.
    """

    num_projects: int
    f1: float | None


def measure_agreement(folder: Path | str, projects: Mapping[str, Project]) -> Agreement | None:
    """Compare a data folder's `second_tags.json` with its tags; None without that file.

    Raises
    ------
    TagifaiError
        A row is malformed, or has an id that the data lacks.
    """
    path = Path(folder) / SECOND_TAGS
    if not path.exists():
        return None
    shared = first = second = 0
    rows = read_rows(path, _TaggedRow)
    for number, row in enumerate(rows, start=1):
        if row.id not in projects:
            raise TagifaiError(f"{path}: row {number}, id: {shorten(row.id)!r} is not in the data")
        ours, theirs = set(projects[row.id].tags), set(normalise_names(row.tags))
        shared += len(ours & theirs)
        first += len(ours)
        second += len(theirs)
    total = first + second
    return Agreement(len(rows), 2 * shared / total if total else None)
