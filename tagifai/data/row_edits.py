"""Change the tags of one row, spread over its columns as the columns hold them."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from tagifai.data.columns import Columns
from tagifai.data.edits import JsonStyle
from tagifai.data.tag_cells import UnlabelledError, read_tags
from tagifai.data.tag_writing import CellForm, Wanted, edit_cell, flip, form_of, name_of
from tagifai.data.validation import Record
from tagifai.errors import TagifaiError, shorten


def tag_columns(columns: Columns) -> tuple[str, ...]:
    """Return the columns that hold tags, or are tags themselves."""
    return columns.one_hot or columns.tags


class RowEditor:
    """Changes the tags of rows, each in the form in which its column holds them.

    Parameters
    ----------
    columns : Columns
        Which columns hold tags.
    cells : mapping of str to sequence of str
        All cells of these columns that are text: they show the form.
    style : JsonStyle
        How the file writes JSON.
    """

    def __init__(
        self, columns: Columns, cells: Mapping[str, Sequence[str]], style: JsonStyle
    ) -> None:
        self._columns = columns
        self._cells = cells
        self._forms = {
            name: form_of(
                cells[name], style, columns.separator, columns.names, multi_hot=columns.multi_hot
            )
            for name in columns.tags
        }

    def edit(self, old: Mapping[str, object], wanted: Wanted, where: str) -> Record:
        """Return what changes of a row's cells, {column: new cell}."""
        if self._columns.one_hot:
            return self._one_hot(old, wanted, where)
        removed = {name_of(tag) for tag in wanted.removed}
        plan = {
            name: Wanted(frozenset(removed.intersection(self._tags_in(old[name], form))))
            for name, form in self._forms.items()
        }
        new: Record = {}
        for tag in wanted.added:
            problem: TagifaiError | None = None
            # In the first column that can hold it.
            for name, own in plan.items():
                more = Wanted(own.removed, (*own.added, tag))
                try:
                    new[name] = self._edit(old[name], more, name, where)
                except TagifaiError as error:
                    problem = problem or error
                    continue
                plan[name] = more
                break
            else:
                assert problem is not None  # there is a column
                raise problem
        for name, own in plan.items():
            if own.removed and name not in new:
                new[name] = self._edit(old[name], own, name, where)
        return new

    def _tags_in(self, value: object, form: CellForm) -> list[str]:
        try:
            found = read_tags(value, form.separator, form.names, multi_hot=form.multi_hot)
        except (UnlabelledError, ValueError):  # reported where the cell is changed
            return []
        return [name_of(tag) for tag in found]

    def _edit(self, value: object, wanted: Wanted, name: str, where: str) -> object:
        form = self._forms[name]
        try:
            if isinstance(value, list | tuple):
                return _edit_values(value, wanted, form)
            if value is None or isinstance(value, str):
                return edit_cell(value or "", wanted, form)
            written = edit_cell(str(value), wanted, form)
            return int(written) if written else None
        except (TagifaiError, ValueError) as error:
            raise TagifaiError(f"{where}, {shorten(name)}: {error}") from None

    def _one_hot(self, old: Mapping[str, object], wanted: Wanted, where: str) -> Record:
        columns = {name_of(name): name for name in self._columns.one_hot}
        blank = self._columns.unlabelled == "negative"
        new: Record = {}
        for tags, value in ((wanted.removed, 0), (wanted.added, 1)):
            for tag in tags:
                name = columns.get(name_of(tag))
                if name is None:
                    raise TagifaiError(
                        f"{where}: {shorten(tag)!r} has no column; add it to the file and `one_hot`"
                    )
                cell = old[name]
                if isinstance(cell, int | float):
                    new[name] = _as_binary(cell, value)
                else:
                    others = self._cells.get(name, ())
                    new[name] = flip(str(cell or ""), value, others, blank=blank)
        return new


def _edit_values(values: Sequence[object], wanted: Wanted, form: CellForm) -> list[object]:
    """Change a list of tags, of numbers of tags, or of 0 and 1."""
    names = form.names if isinstance(form.names, Mapping) else {}
    number_of = {name_of(name): number for number, name in names.items()}
    lacking = [tag for tag in wanted.added if names and name_of(tag) not in number_of]
    if lacking:
        raise TagifaiError(f"{shorten(lacking[0])!r} has no number; name it in `names` first")
    if form.multi_hot:
        found = list(values)
        for tags, value in ((wanted.removed, 0), (wanted.added, 1)):
            for tag in tags:
                place = sorted(names).index(number_of[name_of(tag)])
                found[place] = _as_binary(found[place], value)
        return found
    keep = wanted.of([tag for v in values for tag in read_tags([v], "", form.names)]).keep
    rest = [value for value, stays in zip(values, keep, strict=True) if stays]
    return [*rest, *(number_of[name_of(tag)] if names else tag for tag in wanted.added)]


def _as_binary(old: object, value: int) -> object:
    """Return 0 or 1 as the type of what stood there."""
    make = cast(Callable[[int], object], type(old))
    return make(value)
