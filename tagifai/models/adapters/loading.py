"""What every adapter needs when it loads: paths, names of tags, keys."""

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from tagifai.arrays import Array
from tagifai.errors import TagifaiError, counted, one_of, shorten
from tagifai.limits import Limits
from tagifai.models.predictor import check_tags
from tagifai.models.predictor_spec import AllowedPredictors, PredictorSpec, find_path

KEY_PREFIX = "TAGIFAI_KEY_"


class AnswerCache(Protocol):
    """Where answers that cost something are kept, by the digest of all that they depend on."""

    def get(self, key: str, max_age: float | None = None) -> Sequence[float] | None:
        """Return what was kept under a key; None if nothing was, or longer than `max_age` s ago."""

    def put(self, key: str, value: Sequence[float]) -> None:
        """Keep a value; a failure to do so is no error."""


@dataclass(frozen=True, slots=True)
class LoadContext:
    """What the person allows and knows about a predictor.

    Attributes
    ----------
    folder : Path, optional
        What relative paths start from, and may not leave: a version's folder.
    from_version : bool
        Whether a version's file says which predictor, and not the person who typed it. It always
        does where there is a folder.
    allowed : AllowedPredictors
        What may run code or ask a server.
    tags : tuple of str
        The order of the columns, where the model knows no names.
    tag_map : mapping
        Tags by the names that the model has for them; None leaves a column out.
    environment : mapping
        Where keys are.
    cache : AnswerCache, optional
        Where answers are kept that cost money or time.
    limits : Limits
        How large files may be.
    """

    folder: Path | None = None
    from_version: bool = False
    allowed: AllowedPredictors = field(default_factory=AllowedPredictors)
    tags: tuple[str, ...] = ()
    tag_map: Mapping[str, str | None] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    cache: AnswerCache | None = None
    limits: Limits = field(default_factory=Limits)

    def with_tags(self, tags: Sequence[str]) -> "LoadContext":
        """Return the same with an order of the columns."""
        return replace(self, tags=check_tags(tags, "tags"))

    @property
    def is_typed(self) -> bool:
        """Whether the person typed the source, so that it may be any path or name."""
        return self.folder is None and not self.from_version

    def path_of(self, spec: PredictorSpec) -> Path:
        """Return where a source is.

        Raises
        ------
        TagifaiError
            Nothing is there, a relative path leaves the version's folder, or it is neither a
            folder nor a plain file.
        """
        where = f"predictor {shorten(str(spec), 120)}"
        path = (find_path(spec.source) if self.is_typed else None) or Path(spec.source)
        if not (self.is_typed or path.is_absolute()):
            if self.folder is None:
                raise TagifaiError(f"{where}: its version lies in no folder of this disk")
            root = self.folder.resolve()
            path = (root / path).resolve()
            if not path.is_relative_to(root):
                raise TagifaiError(f"{where}: the path leaves the version's folder")
        try:
            kind = path.stat().st_mode
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise TagifaiError(f"{where}: {path}: cannot be read ({reason})") from None
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise TagifaiError(f"{where}: {path}: neither a file nor a folder")
        return path

    def name_columns(
        self, names: Sequence[object] | None, num_columns: int | None, where: str
    ) -> tuple[str, ...]:
        """Return the tags of a model's columns.

        Parameters
        ----------
        names : sequence, optional
            What the model calls them; None where it knows no names, or only numbers.
        num_columns : int, optional
            How many there are, where that is known.
        where : str
            What messages start with.

        Raises
        ------
        TagifaiError
            Nobody knows the names, or those given do not fit the model.
        """
        known = None if names is None else [str(name) for name in names]
        if known is not None and self.tag_map:
            return self.rename(known, where)
        if known is not None and not are_numbered(known):
            if self.tags and set(self.tags) != set(known):
                strange = next(iter(sorted(set(self.tags) - set(known))), "")
                what = (
                    str(one_of("tag of the model", strange, known))
                    if strange
                    else f"{counted(len(known), 'tag')} in the model, {len(self.tags)} given"
                )
                raise TagifaiError(f"{where}: the tags given are not the model's: {what}")
            return check_tags(known, where)
        if not self.tags:
            raise TagifaiError(
                f"{where}: the model knows no names of tags"
                + (f" ({shorten(', '.join(known))})" if known else "")
                + "; give them in the order of its columns: --tags FILE, a JSON list of names"
            )
        count = num_columns if num_columns is not None else len(known or self.tags)
        if count != len(self.tags):
            raise TagifaiError(
                f"{where}: {counted(count, 'column')} and {counted(len(self.tags), 'tag')} given; "
                "each column needs its tag"
            )
        return self.rename(self.tags, where)

    def rename(self, names: Sequence[str], where: str) -> tuple[str, ...]:
        """Return the tags of names by the map.

        A column that is left out keeps its name behind `LEFT_OUT`, until `load_predictor` takes
        it away.

        Raises
        ------
        TagifaiError
            The map has a name that is not there, or two columns are of one tag.
        """
        strange = next((name for name in self.tag_map if name not in names), None)
        if strange is not None:
            raise TagifaiError(f"{where}: map: {one_of('name of the model', strange, names)}")
        tags = [self.tag_map.get(name, name) for name in names]
        if all(tag is None for tag in tags):
            raise TagifaiError(f"{where}: map: every column is left out")
        pairs = zip(names, tags, strict=True)
        return check_tags([left_out(name) if tag is None else tag for name, tag in pairs], where)

    def key(self, variable: str, allowed: Sequence[str], where: str) -> str:
        """Return a key from the environment, "" where the variable is not set.

        Raises
        ------
        TagifaiError
            The variable is none that predictors may read: a file could ask for any secret.
        """
        if not (variable in allowed or variable.startswith(KEY_PREFIX)):
            names = ", ".join([*allowed, f"{KEY_PREFIX}…"])
            raise TagifaiError(
                f"{where}: keys come from the variables {names}, got {shorten(variable)!r}"
            )
        value = self.environment.get(variable, "").strip()
        if value and not (value.isascii() and value.isprintable()):
            raise TagifaiError(f"{where}: {variable}: a key has plain ASCII characters alone")
        return value


def left_out(name: str) -> str:
    """Return what a column is called that the map leaves out."""
    return f"left out: {name}"


def are_numbered(names: Sequence[str]) -> bool:
    """Check whether names only number the columns.

    >>> are_numbered(["LABEL_0", "LABEL_1"]), are_numbered(["0", "1"]), are_numbered(["cv", "nlp"])
    (True, True, False)
    """
    order = range(len(names))
    return any(
        [name.casefold() for name in names] == [f"{prefix}{i}" for i in order]
        for prefix in ("", "label_", "label", "class_", "class")
    )


def sigmoid(logits: Array) -> Array:
    """Return probabilities of logits, of the same shape.

    >>> import numpy as np
    >>> sigmoid(np.array([0.0, 1000.0, -1000.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    from scipy.special import expit

    result: Array = expit(logits)
    return result


def read_json(path: Path, limit: int = 2**24) -> object:
    """Read a JSON file beside a model; None where there is none.

    Raises
    ------
    TagifaiError
        Too large, or not JSON.
    """
    import msgspec

    try:
        if not path.is_file():
            return None
        if path.stat().st_size > limit:
            raise TagifaiError(f"{path}: more than the {limit:,} bytes that are read")
        found: object = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TagifaiError(f"{path}: cannot be read ({shorten(str(error))})") from None
    return found
