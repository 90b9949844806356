"""One row of the data: what it holds, and what a row of a file must hold to be one."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from tagifai.data.names import normalise_names
from tagifai.data.validation import Label, Text, check_row
from tagifai.errors import TagifaiError, shorten

OTHER_FORMS = "`data import` reads other forms, and [columns] in data.toml reads them in place"
"""What messages about files of another form end with."""


@dataclass(frozen=True, slots=True)
class Project:
    """One row of the data.

    Attributes
    ----------
    id, title, description : str
        As the file has them.
    tags : tuple of str
        The project's tags, stripped and in Unicode's form NFC.
    extra : mapping of str to object
        The other columns of the row.
    written : tuple of str
        The tags as the file has them, where one of them is in another Unicode form.
    """

    id: str
    title: str
    description: str
    tags: tuple[str, ...]
    extra: Mapping[str, object] = field(default_factory=dict)
    written: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What the classifier reads: the title, a space, the description."""
        return f"{self.title} {self.description}".strip()

    @property
    def name(self) -> str:
        """The project's name in a list: its title, or the beginning of its text, or its id.

        >>> Project("7", "", "One column of texts, without titles.", ()).name
        'One column of texts, without titles.'
        """
        return shorten(" ".join((self.title.strip() or self.description).split()), 120) or self.id


def as_list(value: object) -> object:
    """Return a list or tuple as a list; refuse a text, whose letters would be taken for items.

    Raises
    ------
    ValueError
        It is a text.
    """
    if isinstance(value, str):
        raise ValueError(
            f"tags given as one string {shorten(value)!r}; "
            f'give a list of strings, as in ["computer-vision", "segmentation"]'
        )
    return list(value) if isinstance(value, tuple) else value


def identify(value: object) -> str:
    """Return an id as a string: an integer, a string in NFC, or a whole number such as 7.0.

    Integers become floats where a column of them has a missing value.

    >>> identify(7), identify(7.0), identify("07")
    ('7', '7', '07')

    Raises
    ------
    ValueError
        Another type, or a string without a visible character.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"an integer or a string is needed, got {shorten(repr(value))}")
    found = unicodedata.normalize("NFC", str(value))
    if not any(sign.isprintable() and not sign.isspace() for sign in found):
        raise ValueError(f"a visible character is needed, got {shorten(repr(value))}")
    if "\0" in found:
        raise ValueError(f"no NUL character is allowed, got {shorten(repr(value))}")
    return found


class ProjectRow(BaseModel):
    """What a row of a file holds, under the names that files are to use."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[Label, BeforeValidator(identify)]
    title: Text
    description: Text
    tags: Annotated[list[Label], BeforeValidator(as_list)]


def make_project(where: str, fields: object, names: Mapping[str, str] | None = None) -> Project:
    """Make a project of the fields of a row, validated.

    Parameters
    ----------
    where : str
        The file and row, which messages start with.
    fields : object
        Id, title, description, tags, and others, which go to `extra`.
    names : mapping of str to str, optional
        What the file calls the fields, where it is something else.

    Raises
    ------
    TagifaiError
        A field is missing, or of the wrong type.
    """
    valid = check_row(where, fields, ProjectRow, names)
    tags = normalise_names(valid.tags)
    if not all(tags):
        raise TagifaiError(f"{where}, tags: a blank tag; each tag needs a name")
    composed = all(unicodedata.is_normalized("NFC", tag) for tag in valid.tags)
    written = () if composed else tuple(dict.fromkeys(tag.strip() for tag in valid.tags))
    return Project(valid.id, valid.title, valid.description, tags, valid.model_extra or {}, written)
