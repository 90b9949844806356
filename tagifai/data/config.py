"""Read `data.toml`, the settings of a data folder."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from tagifai.data.columns import Columns, ColumnsFile
from tagifai.data.names import normalise_names
from tagifai.data.validation import Label, check_row
from tagifai.errors import TagifaiError, one_of
from tagifai.pointers import refuse_pointer_file
from tagifai.text.languages import DEFAULT_LANGUAGE, find_language

CONFIG_FILE = "data.toml"
Primary = Literal[
    "weighted f1",
    "weighted precision",
    "weighted recall",
    "macro f1",
    "macro precision",
    "macro recall",
    "micro f1",
    "micro precision",
    "micro recall",
]
PRIMARY: Primary = "weighted f1"
PRIMARIES: tuple[Primary, ...] = get_args(Primary)
"""The overall figures, one of which decides between versions."""


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Settings of a data folder, each optional in `data.toml`.

    Attributes
    ----------
    excluded : tuple of str
        Tags that are never learned.
    untagged : {"negative", "unlabelled"}
        What a project without any tag is: a negative of every tag, or unlabelled, and then
        left out of training, test and every figure. A project whose tags are all excluded or
        too rare is a negative in both cases: somebody has labelled it.
    columns : Columns or None
        Which column holds what, where files are read in place that name theirs in another way.
    language : str
        Language of the texts, by its English name in lower case: casing, stopwords and stems
        follow it. In the file it may be an ISO 639 code too.
    primary : str
        The overall figure that decides between versions: an average ("weighted", "macro",
        "micro") and a metric ("f1", "precision", "recall").
    """

    excluded: tuple[str, ...] = ()
    untagged: Literal["negative", "unlabelled"] = "negative"
    language: str = DEFAULT_LANGUAGE
    columns: Columns | None = None
    primary: Primary = PRIMARY


class _ConfigFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    excluded: list[Label] = []
    untagged: Literal["negative", "unlabelled"] = "negative"
    language: Annotated[str, Field(min_length=1, max_length=40)] = DEFAULT_LANGUAGE
    columns: ColumnsFile | None = None
    primary: Primary = PRIMARY


def load_config(folder: Path | str) -> DataConfig:
    """Read the `data.toml` of a data folder; the defaults where there is none.

    Raises
    ------
    TagifaiError
        The file is unreadable, not TOML, or has a key or value that is not allowed.
    """
    path = Path(folder) / CONFIG_FILE
    refuse_pointer_file(path)
    try:
        content = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return DataConfig()
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise TagifaiError(f"{path}: not UTF-8 text (byte {error.start})") from None
    try:
        found = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise TagifaiError(f"{path}: not TOML: {error}") from None
    allowed = _ConfigFile.model_fields
    for key in found:
        if key not in allowed:
            raise TagifaiError(f"{path}: unknown key {key!r}; allowed: {', '.join(allowed)}")
    known = ColumnsFile.model_fields
    if isinstance(found.get("columns"), dict):
        for key in found["columns"]:
            if key not in known:
                raise TagifaiError(f"{path}: columns: {one_of('key', key, known)}")
    row = check_row(str(path), found, _ConfigFile)
    excluded = normalise_names(row.excluded)
    if not all(excluded):
        raise TagifaiError(f"{path}: excluded: a blank tag; each tag needs a name")
    try:
        language = find_language(row.language)
    except TagifaiError as error:
        raise TagifaiError(f"{path}: {error}") from None
    columns = None
    if row.columns is not None:
        columns = row.columns.to_columns(f"{path}: columns")
    return DataConfig(excluded, row.untagged, language, columns, row.primary)
