"""Validate records, field by field, against a pydantic model; values are bounded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, StrictStr, ValidationError

from tagifai.errors import TagifaiError, shorten

MAX_TEXT = 1_000_000
Record: TypeAlias = dict[str, object]
"""A row or an object as a file has it: nothing is known of its values."""
Row = TypeVar("Row", bound=BaseModel)


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates by "?": legal in JSON, they break every encoder after it.

    >>> replace_surrogates("a\\ud800b")
    'a?b'
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text  # the same object: nearly every text is one that is stored


def _surrogates_replaced(value: object) -> object:
    return replace_surrogates(value) if isinstance(value, str) else value


Text = Annotated[StrictStr, Field(max_length=MAX_TEXT), BeforeValidator(_surrogates_replaced)]
Label = Annotated[
    StrictStr, Field(min_length=1, max_length=200), BeforeValidator(_surrogates_replaced)
]


def validate_row(path: Path, number: int, record: object, model: type[Row]) -> Row:
    """Validate one row of a file.

    Raises
    ------
    TagifaiError
        The record is no object, or `model` refuses a field; the message names file, row and
        field.
    """
    return check_row(f"{path}: row {number}", record, model)


def check_row(
    where: str, record: object, model: type[Row], names: Mapping[str, str] | None = None
) -> Row:
    """Validate one record.

    Parameters
    ----------
    where : str
        What messages start with, such as the file and row.
    record : object
        The record as it was read.
    model : type of pydantic.BaseModel
        What a record must be.
    names : mapping of str to str, optional
        What the file calls fields that have another name there.

    Raises
    ------
    TagifaiError
        The record is no object, or `model` refuses a field; the message names the field.
    """
    if not isinstance(record, dict):
        raise TagifaiError(f"{where}: an object is needed, got {shorten(repr(record))}")
    try:
        return model.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        parts = [str(part) for part in first["loc"]]
        field = ".".join([(names or {}).get(part, part) for part in parts[:1]] + parts[1:])
        message = str(first["msg"]).removeprefix("Value error, ")
        own = first["type"] in ("missing", "value_error")
        received = "" if own else f", got {shorten(repr(first['input']))}"
        place = f"{where}, {shorten(field)}" if field else where
        raise TagifaiError(f"{place}: {message}{received}") from None
