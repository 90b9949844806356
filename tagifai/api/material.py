"""What `show` and `add_version` are given, as one record, and as a data folder."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import orjson

from tagifai.api.inputs import (
    class_names,
    column_names,
    read_each,
    read_list,
    read_probabilities,
    read_tags,
    read_texts,
    read_truth,
    take_column,
)
from tagifai.arrays import Array
from tagifai.data.assignment import GROUP_COLUMN, SPLIT_COLUMN, is_blank, name_split
from tagifai.errors import TagifaiError, shorten

OWN_COLUMNS = ("id", "title", "description", "tags", SPLIT_COLUMN, GROUP_COLUMN)
PROJECTS, TAGS = "projects.jsonl", "tags.json"
Splits = Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Labelled texts.

    Attributes
    ----------
    ids, texts : sequence of str
        One of each for a text; an id is its row's number unless others are given.
    tags : tuple of str
        The columns of `y_true`.
    y_true : array of shape (n_texts, n_tags)
        0 or 1.
    ordered : bool
        Whether the order of `tags` is somebody's choice.
    split, group : list of str or None
        Of each text.
    extra : mapping
        By name, further columns.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    tags: tuple[str, ...]
    y_true: Array
    ordered: bool = True
    split: Sequence[str] | None = None
    group: Sequence[str] | None = None
    extra: Mapping[str, Sequence[object]] = field(default_factory=dict)

    @property
    def splits(self) -> Splits:
        """The split of each text by its id; "test" where nothing is said."""
        split = ["test"] * len(self.ids) if self.split is None else self.split
        return dict(zip(self.ids, split, strict=True))


def read_material(
    texts: object,
    y_true: object,
    *,
    tags: object = None,
    ids: object = None,
    split: object = None,
    group: object = None,
    data: object = None,
    y_prob: object = None,
) -> Material:
    """Check labelled texts; each argument but `tags` may be the name of a column of `data`.

    `y_prob` is not read, but its columns are none of those that are shown beside the texts.

    Raises
    ------
    TagifaiError
        Something does not fit; the message names the argument, what was received and what is
        needed.
    """
    given = {"texts": texts, "y_true": y_true, "split": split, "group": group, "ids": ids}
    several = y_prob.values() if isinstance(y_prob, Mapping) else [y_prob]
    used = {name for name in (*given.values(), *several) if isinstance(name, str)}
    found = {name: take_column(value, data, name) for name, value in given.items()}
    rows = read_texts(found["texts"])
    classes = class_names(data, y_true) if tags is None else None
    if classes is not None:
        tags, found["y_true"] = classes, _name_classes(found["y_true"], classes)
    names = None if tags is None else read_tags(tags)
    columns, truth, ordered = read_truth(found["y_true"], len(rows), names)
    columns = read_tags(columns, "y_true")
    return Material(
        _read_ids(found["ids"], len(rows)),
        rows,
        columns,
        truth,
        ordered,
        _read_column(found["split"], len(rows), "split", _read_split),
        _read_column(found["group"], len(rows), "group", _read_blank),
        _other_columns(data, used, len(rows)),
    )


def read_versions(
    y_prob: object, material: Material, name: str, data: object = None
) -> dict[str, Array]:
    """Return the probabilities of each version; `name` is that of a single one.

    They may be the names of columns of `data`, which hold a row of probabilities in each cell.

    Raises
    ------
    TagifaiError
        As `read_probabilities` does; the message names the version.
    """
    if y_prob is None:
        return {}
    table = isinstance(y_prob, Mapping)
    several = y_prob if isinstance(y_prob, Mapping) else {name: y_prob}
    if not several:
        raise TagifaiError("y_prob: at least one version is needed, as in {'v1': array}, got {}")
    found = {}
    for version, values in several.items():
        argument = f"y_prob[{version!r}]" if table else "y_prob"
        values = take_column(values, data, argument)
        found[str(version)] = read_probabilities(
            values, argument, len(material.texts), material.tags, ordered=material.ordered
        )
    return found


def write_data(folder: Path, material: Material) -> None:
    """Write a data folder of labelled texts.

    Raises
    ------
    TagifaiError
        It cannot be written.
    """
    names = np.array(material.tags, dtype=object)
    split, group = material.split, material.group
    lines = []
    for row, one in enumerate(material.ids):
        project: dict[str, object] = {
            "id": one,
            "title": "",
            "description": material.texts[row],
            "tags": names[material.y_true[row] == 1].tolist(),
        }
        project |= {name: values[row] for name, values in material.extra.items()}
        if split is not None:
            project[SPLIT_COLUMN] = split[row]
        if group is not None:
            project[GROUP_COLUMN] = group[row]
        lines.append(orjson.dumps(project, option=orjson.OPT_SERIALIZE_NUMPY))
    described = [{"tag": tag, "aliases": [], "parents": []} for tag in material.tags]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PROJECTS).write_bytes(b"\n".join(lines) + b"\n")
        (folder / TAGS).write_bytes(orjson.dumps(described, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise TagifaiError(f"{folder}: cannot be written ({error.strerror or error})") from None


def _read_ids(found: object, num_texts: int) -> list[str]:
    if found is None:
        return [str(row) for row in range(num_texts)]
    ids = read_each(found, num_texts, "ids", _read_blank)
    if "" in ids:
        raise TagifaiError(f"ids: row {ids.index('')}: an id is needed, got an empty one")
    if len(set(ids)) < num_texts:
        twice, _ = Counter(ids).most_common(1)[0]
        raise TagifaiError(f"ids: {shorten(twice)!r} comes twice")
    return ids


def _read_blank(value: object) -> str:
    """Return a value as text, "" for one that is missing."""
    return "" if is_blank(value) else str(value)


def _name_classes(labels: object, names: Sequence[str]) -> list[list[object]]:
    """Return the names of classes for their numbers: several for each text, or one."""
    found = []
    for row in read_list(labels, "y_true"):
        numbers = read_list(row, "y_true") if hasattr(row, "__iter__") else [row]
        found.append([_name_class(number, names) for number in numbers])
    return found


def _name_class(number: object, names: Sequence[str]) -> object:
    known = isinstance(number, int | np.integer) and 0 <= int(number) < len(names)
    return names[int(cast(int, number))] if known else number


def _read_column(
    found: object, num_texts: int, argument: str, read: Callable[[object], str]
) -> list[str] | None:
    return None if found is None else read_each(found, num_texts, argument, read)


def _read_split(value: object) -> str:
    return name_split(value, "split")


def _other_columns(data: object, used: Iterable[str], num_texts: int) -> dict[str, list[object]]:
    """Return the columns of `data` that no argument names, as JSON can hold them."""
    if data is None:
        return {}
    names = column_names(data)
    if not names:
        raise TagifaiError(
            f"data: a DataFrame, a datasets.Dataset or a mapping of columns is needed, got a "
            f"{type(data).__name__}"
        )
    found = {}
    for name in names:
        if name in used:
            continue
        values = read_list(take_column(name, data, "data"), f"data: column {name!r}")
        if len(values) != num_texts:
            raise TagifaiError(
                f"data: column {shorten(name)!r}: shape ({num_texts},) is needed (one value for "
                f"each text), got ({len(values)},)"
            )
        # What tagifai itself calls so is something else.
        own = f"{name}_" if name in OWN_COLUMNS else name
        found[own] = [_plain(value) for value in values]
    return found


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return str(value)
