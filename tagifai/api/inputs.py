"""Texts, labels and probabilities as people hold them, checked and brought to one form."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import numpy as np

from tagifai.arrays import Array
from tagifai.data.names import normalise_name
from tagifai.errors import TagifaiError, counted, one_of, shorten

TRUTH = "only 0 and 1 are allowed"
PROBABILITY = "a probability from 0 to 1 is needed"
Shape = tuple[int, ...]


def take_column(found: object, data: object, argument: str) -> object:
    """Return a column of `data` where an argument is its name, else the argument itself.

    Raises
    ------
    TagifaiError
        `data` has no such column, or there is no `data`.
    """
    if not isinstance(found, str):
        return found
    if data is None:
        raise TagifaiError(
            f"{argument}: one value for each text is needed, got the text {shorten(found)!r}; the "
            "name of a column goes with data="
        )
    names = column_names(data)
    if found not in names:
        raise one_of(f"column of data for {argument}", found, names)
    return cast(Mapping[str, object], data)[found]


def class_names(data: object, column: object) -> list[str] | None:
    """Return what a `datasets.Dataset` calls the classes whose numbers a column holds.

    None where the column holds no numbers of classes, as in any other table.
    """
    features = getattr(data, "features", None)
    if not (isinstance(features, Mapping) and isinstance(column, str) and column in features):
        return None
    feature = features[column]
    names = getattr(getattr(feature, "feature", feature), "names", None)  # of a list of them
    return [str(name) for name in names] if isinstance(names, list) and names else None


def column_names(data: object) -> list[str]:
    """List the columns of a DataFrame, a `datasets.Dataset` or a mapping; none of others."""
    for attribute in ("column_names", "columns"):
        names = getattr(data, attribute, None)
        if names is not None and not callable(names):
            return [str(name) for name in cast(Iterable[object], names)]
    return [str(name) for name in data] if isinstance(data, Mapping) else []


def read_texts(texts: object) -> list[str]:
    """Return texts as a list.

    Parameters
    ----------
    texts : sequence of str
        A list, an array, a column; or a table with one column, or with one called "text".

    Raises
    ------
    TagifaiError
        There is none, or one is no text.

    Examples
    --------
    >>> read_texts(("one text", "another"))
    ['one text', 'another']
    """
    names = column_names(texts)
    if names:
        name = "text" if "text" in names else names[0]
        if name != "text" and len(names) > 1:
            raise TagifaiError(
                f"texts: one column is needed, got a table of {counted(len(names), 'column')}: "
                f"{shorten(', '.join(names))}; name it, as in texts='{names[0]}', data=table"
            )
        texts = cast(Mapping[str, object], texts)[name]
    found = read_list(texts, "texts")
    if not found:
        raise TagifaiError("texts: at least one text is needed, got shape (0,)")
    for row, text in enumerate(found):
        if not isinstance(text, str):
            raise TagifaiError(
                f"texts: row {row}: a text is needed, got {shorten(repr(text))}; the shape "
                f"received is {shape_of(texts)}, a text for each row is needed"
            )
    return [str(text) for text in found]


def read_list(found: object, argument: str) -> list[object]:
    """Return what can be gone through as a list.

    Raises
    ------
    TagifaiError
        It cannot.
    """
    unordered = isinstance(found, set | frozenset)
    if isinstance(found, str | bytes | Mapping) or unordered or not hasattr(found, "__iter__"):
        why = ", which has no order" if unordered else ""
        raise TagifaiError(
            f"{argument}: a list or an array is needed, got a {type(found).__name__}{why}"
        )
    # NumPy, pandas and PyTorch; polars; pyarrow, whose items are no plain values otherwise.
    for name in ("tolist", "to_list", "to_pylist"):
        as_list = getattr(found, name, None)
        if callable(as_list):
            return list(as_list())
    return list(found)


def read_each(
    found: object, num_texts: int, argument: str, read: Callable[[object], str]
) -> list[str]:
    """Return one value for each text.

    Raises
    ------
    TagifaiError
        Another number of values, or one that `read` refuses.
    """
    values = read_list(found, argument)
    if len(values) != num_texts:
        raise wrong_shape(argument, (len(values),), (num_texts,), "one value for each text")
    return [read(value) for value in values]


def read_tags(tags: object, argument: str = "tags") -> tuple[str, ...]:
    """Return the names of tags in their one written form.

    Raises
    ------
    TagifaiError
        None, one that is no name, or one twice.
    """
    names = []
    for place, name in enumerate(read_list(tags, argument)):
        if not isinstance(name, str | int) or isinstance(name, bool) or not str(name).strip():
            raise TagifaiError(
                f"{argument}: place {place}: a name is needed, got {shorten(repr(name))}"
            )
        names.append(normalise_name(str(name)))
    if not names:
        raise TagifaiError(f"{argument}: at least one tag is needed, got shape (0,)")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TagifaiError(f"{argument}: {shorten(twice)!r} comes twice among {len(names)} names")
    return tuple(names)


def read_truth(
    found: object, num_texts: int | None, tags: Sequence[str] | None
) -> tuple[tuple[str, ...], Array, bool]:
    """Return the tags, which text has which, and whether the order of the tags is known.

    Parameters
    ----------
    found : array or list
        0 and 1 in any form that `read_matrix` takes; or for each text a list of its tags' names
        or, where `tags` is given, of their places; or one name.
    num_texts : int, optional
        How many rows there must be.
    tags : sequence of str, optional
        The names of the columns; by default those of `found`.

    Returns
    -------
    tags : tuple of str
    y_true : array of shape (n_texts, n_tags)
        uint8, 0 or 1.
    ordered : bool
        False where `found` names the tags and nobody said in which order, so that they are
        sorted.

    Raises
    ------
    TagifaiError
        Another shape, a value besides 0 and 1, or a name that is not among `tags`.

    Examples
    --------
    >>> read_truth([["nlp"], [], ["cv", "nlp"]], 3, None)[0]
    ('cv', 'nlp')
    >>> read_truth([[1, 0], [1, 1]], 2, ["cv", "nlp"])[1].tolist()
    [[1, 0], [1, 1]]
    """
    rows = _rows_of_tags(found, tags)
    if rows is not None:
        if num_texts is not None and len(rows) != num_texts:
            raise wrong_shape("y_true", (len(rows),), (num_texts,), "a list of tags for each text")
        return (*_one_hot(rows, tags), tags is not None)
    values, names = read_matrix(found, "y_true", num_texts, tags)
    bad = np.argwhere((values != 0) & (values != 1))
    if len(bad):
        raise _bad_value("y_true", values, bad[0], TRUTH, num_texts, tags)
    if values.shape[1] == 0:
        raise wrong_shape("y_true", values.shape, (len(values), "n_tags"), "one column for a tag")
    named = tags or names
    chosen = tuple(named) if named else tuple(f"tag {place}" for place in range(values.shape[1]))
    return chosen, values.astype(np.uint8), True


def read_probabilities(
    found: object,
    argument: str,
    num_texts: int,
    tags: Sequence[str],
    *,
    ordered: bool = True,
) -> Array:
    """Return probabilities, float32 (n_texts, n_tags), the columns in the order of `tags`.

    Parameters
    ----------
    found : array, table or list
        As `read_matrix` takes it; or a mapping of tags to probabilities for each text, where a
        tag that is left out has 0.
    argument : str
        What messages call it.
    ordered : bool
        False where the order of `tags` is nobody's choice, so that columns without names could
        be any.

    Raises
    ------
    TagifaiError
        Another shape, a value outside [0, 1], NaN, or an unknown tag.

    Examples
    --------
    >>> read_probabilities([{"nlp": 0.75}, {}], "y_prob", 2, ["cv", "nlp"]).tolist()
    [[0.0, 0.75], [0.0, 0.0]]
    """
    if isinstance(found, list | tuple) and found and all(isinstance(r, Mapping) for r in found):
        found = _fill_rows(found, argument, tags)
    elif not ordered:
        refuse_unnamed(found, argument, num_texts, tags)
    values, _ = read_matrix(found, argument, num_texts, tags)
    bad = np.argwhere(~((values >= 0) & (values <= 1)))
    if len(bad):
        raise _bad_value(argument, values, bad[0], PROBABILITY, num_texts, tags)
    return values.astype(np.float32)


def refuse_unnamed(found: object, argument: str, num_texts: int, tags: Sequence[str]) -> None:
    """Refuse columns without names where nobody knows the order of the tags.

    Raises
    ------
    TagifaiError
        `found` has neither named columns nor names in its rows.
    """
    if column_names(found) or _rows_of_tags(found, None) is not None:
        return
    raise TagifaiError(
        f"{argument}: nobody knows which column is which tag, because the labels name them and "
        f"{argument} does not: tags=[…] gives the names in the order of the columns (shape "
        f"received: {shape_of(found)}; needed: {(num_texts, len(tags))})"
    )


def read_matrix(
    found: object, argument: str, num_rows: int | None, tags: Sequence[str] | None
) -> tuple[Array, list[str] | None]:
    """Return finite numbers, one row for each text and one column for each tag.

    Parameters
    ----------
    found : array, sparse matrix, tensor, table or list of lists
        A list of arrays (n_texts, 2), as some of scikit-learn's classifiers return it, gives the
        second column of each. The columns of a table are put in the order of `tags`.

    Returns
    -------
    values : array of shape (n_texts, n_tags)
    names : list of str or None
        What a table calls its columns.

    Raises
    ------
    TagifaiError
        Another shape, no numbers, NaN, or columns with other names.
    """
    names = [normalise_name(name) for name in column_names(found)] or None
    values = _as_array(found, argument)
    if names and tags is not None:
        values, names = _in_order(values, names, tags, argument), list(tags)
    needed = (num_rows if num_rows is not None else "n_texts", len(tags) if tags else "n_tags")
    if values.ndim == 1 and len(tags or "") == 1:
        values = values[:, None]
    rows_differ = values.ndim != 2 or (num_rows is not None and len(values) != num_rows)
    if rows_differ or (tags is not None and values.shape[1] != len(tags)):
        raise wrong_shape(argument, values.shape, needed, "one row a text, one column a tag")
    if not len(values):
        raise wrong_shape(argument, values.shape, needed, "at least one text")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise _bad_value(argument, values, bad[0], "a number is needed", num_rows, tags or names)
    return values, names


def wrong_shape(
    argument: str, received: Shape, needed: tuple[object, ...], why: str
) -> TagifaiError:
    """Return the error for an array of another shape.

    >>> str(wrong_shape("y_prob", (3, 2), (4, 2), "one row a text"))
    'y_prob: shape (4, 2) is needed (one row a text), got (3, 2)'
    """
    return TagifaiError(f"{argument}: shape {_shape(needed)} is needed ({why}), got {received}")


def shape_of(found: object) -> str:
    """Describe the shape of what was received, for a message."""
    shape = getattr(found, "shape", None)
    if isinstance(shape, tuple):
        return str(shape)
    try:
        return _shape((len(found),))  # type: ignore[arg-type]
    except TypeError:
        return type(found).__name__


def _shape(sizes: tuple[object, ...]) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def _as_array(found: object, argument: str) -> Array:
    names = column_names(found)
    if names and not hasattr(found, "to_numpy"):
        table = cast(Mapping[str, object], found)
        found = [read_list(table[name], f"{argument}: column {name!r}") for name in names]
        return _as_array(np.array(found, dtype=object).T.tolist(), argument)
    if hasattr(found, "toarray"):
        found = found.toarray()
    elif hasattr(found, "detach"):
        found = found.detach().float().cpu().numpy()
    elif hasattr(found, "to_numpy"):
        found = found.to_numpy()
    if isinstance(found, list | tuple) and _are_pairs(found):
        found = np.column_stack([one[:, 1] for one in cast(Sequence[Array], found)])
    try:
        values = np.asarray(found)
        if values.dtype == object and values.ndim == 1:
            values = np.array([np.asarray(row) for row in values], float)  # a row in each cell
        elif values.dtype.kind not in "biuf":
            values = values.astype(float)
    except (TypeError, ValueError):
        raise TagifaiError(
            f"{argument}: rows of numbers, all of one length, are needed (one row a text, one "
            f"column a tag), got {shape_of(found)} with other values"
        ) from None
    return values


def _are_pairs(found: Sequence[object]) -> bool:
    shapes = {getattr(one, "shape", None) for one in found}
    shape = next(iter(shapes), None)
    return len(shapes) == 1 and isinstance(shape, tuple) and len(shape) == 2 and shape[1] == 2


def _in_order(values: Array, names: Sequence[str], tags: Sequence[str], argument: str) -> Array:
    unknown = next((name for name in names if name not in tags), None)
    if unknown is not None:
        raise TagifaiError(f"{argument}: {one_of('tag', unknown, tags)}")
    if len(names) != len(tags):
        missing = next((tag for tag in tags if tag not in names), names[0])
        what = f"no column {missing!r}" if missing not in names else "a column comes twice"
        raise TagifaiError(
            f"{argument}: {counted(len(tags), 'column')} are needed, one for each tag, got "
            f"{len(names)}: {what}"
        )
    return values[:, [names.index(tag) for tag in tags]]


def _fill_rows(rows: Sequence[object], argument: str, tags: Sequence[str]) -> Array:
    column = {tag: place for place, tag in enumerate(tags)}
    filled = np.zeros((len(rows), len(tags)))
    for number, row in enumerate(cast(Sequence[Mapping[object, float]], rows)):
        for name, value in row.items():
            tag = normalise_name(str(name))
            if tag not in column:
                raise TagifaiError(f"{argument}: row {number}: {one_of('tag', tag, tags)}")
            filled[number, column[tag]] = value
    return filled


def _rows_of_tags(found: object, tags: Sequence[str] | None) -> list[list[object]] | None:
    """Return a list of tags for each text; None where `found` holds 0 and 1."""
    if column_names(found) or hasattr(found, "toarray") or hasattr(found, "detach"):
        return None
    if getattr(found, "ndim", 1) != 1:
        return None
    rows = read_list(found, "y_true")
    if rows and all(isinstance(row, str) for row in rows):
        return [[row] for row in rows]
    if not rows or not all(_is_list(row) for row in rows):
        return None
    lists = [list(cast(Iterable[object], row)) for row in rows]
    if _are_written_flags(lists):
        return None
    if any(isinstance(one, str) for row in lists for one in row):
        return lists
    lengths = {len(row) for row in lists}
    width = len(tags) if tags else max(lengths)
    flags = all(one in (0, 1) for row in lists for one in row)
    # Of one length, 0 and 1 alone: columns, and a wrong number of them is to be said.
    if len(lengths) == 1 and (lengths == {width} or (flags and lengths != {1})) and max(lengths):
        return None
    whole = all(isinstance(one, int | np.integer) for row in lists for one in row)
    return lists if whole and (tags is not None or lengths == {0}) else None


def _are_written_flags(rows: Sequence[Sequence[object]]) -> bool:
    """Check for columns of "0" and "1", as a CSV file that was read as text has them."""
    same_width = len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
    return same_width and {one for row in rows for one in row} <= {"0", "1"}


def _is_list(row: object) -> bool:
    return isinstance(row, list | tuple | set | frozenset | np.ndarray)


def _one_hot(
    rows: Sequence[Sequence[object]], tags: Sequence[str] | None
) -> tuple[tuple[str, ...], Array]:
    """Return tags and matrix of lists of names, or of places among `tags`."""
    names = [[_name(one, tags, number) for one in row] for number, row in enumerate(rows)]
    if tags is None:
        tags = sorted({name for row in names for name in row})
        if not tags:
            raise TagifaiError(
                f"y_true: no text has a tag (shape received: ({len(rows)},)): tags=[…] says which "
                "there are"
            )
    column = {tag: place for place, tag in enumerate(tags)}
    matrix = np.zeros((len(rows), len(tags)), np.uint8)
    for number, row in enumerate(names):
        for name in row:
            if name not in column:
                raise TagifaiError(f"y_true: row {number}: {one_of('tag', name, tags)}")
            matrix[number, column[name]] = 1
    return tuple(tags), matrix


def _name(one: object, tags: Sequence[str] | None, row: int) -> str:
    if isinstance(one, str) and one.strip():
        return normalise_name(one)
    place = isinstance(one, int | np.integer) and not isinstance(one, bool)
    if place and tags is not None and 0 <= int(cast(int, one)) < len(tags):
        return tags[int(cast(int, one))]
    allowed = f" or a place from 0 to {len(tags) - 1}" if tags is not None else ""
    raise TagifaiError(
        f"y_true: row {row}: a tag's name{allowed} is needed, got {shorten(repr(one))}"
    )


def _bad_value(
    argument: str,
    values: Array,
    place: Array,
    allowed: str,
    num_rows: int | None,
    tags: Sequence[str] | None,
) -> TagifaiError:
    row, column = (int(one) for one in place)
    where = f"tag {shorten(tags[column])!r}" if tags else f"column {column}"
    needed = (num_rows or len(values), len(tags) if tags else "n_tags")
    received = "NaN" if np.isnan(values[row, column]) else str(values[row, column])
    return TagifaiError(
        f"{argument}: row {row}, {where}: {allowed}, got {received} (shape received: "
        f"{values.shape}; needed: {_shape(needed)})"
    )
