"""Decide how cells hold tags; ask where two readings are possible."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tagifai.data.arrow_files import ClassNames
from tagifai.data.columns import Columns
from tagifai.data.known_names import TAG_NAMES_OF_MANY, list_columns, name_key
from tagifai.data.profiles import COMMA, SEPARATORS, Profile
from tagifai.data.tag_cells import ANGLE, NONE, Names, whole_number
from tagifai.errors import TagifaiError, counted, shorten


def decide_tag_form(
    profiles: Mapping[str, Profile], columns: Columns, class_names: ClassNames, where: str
) -> tuple[Columns, str]:
    """Decide how cells hold tags: what separates them, and which tags numbers are.

    Parameters
    ----------
    profiles : mapping of str to Profile
        What the cells of each column are.
    columns : Columns
        The columns that hold tags, and what is known of their cells.
    class_names : mapping of str to tuple of str
        The names of the numbers in a column, where the file has them.
    where : str
        The file, named in messages.

    Returns
    -------
    columns : Columns
        The same, with nothing left open.
    description : str
        In words, the columns and how their cells are read.

    Raises
    ------
    TagifaiError
        Two readings are possible, or none; the message names the flag that decides.
    """
    form = _TagForm(columns, [profiles[name] for name in columns.tags], class_names, where)
    separator, how = columns.separator, ""
    if not separator:
        separator, how = form.decide_separator()
    elif separator == NONE:
        how = "each cell one tag"
    else:
        how = f"separated by {SEPARATORS.get(separator, repr(separator))}"
    names, multi_hot, numbers = form.decide_names(separator)
    parts = (form.name, "" if multi_hot else how, numbers)
    description = ", ".join(part for part in parts if part)
    return replace(columns, separator=separator, names=names, multi_hot=multi_hot), description


def _describe_sign(sign: str) -> str:
    return {"\n": "line ends", "\t": "tabs"}.get(sign, repr(sign))


class _TagForm:
    """The columns of tags, and what their cells are."""

    def __init__(
        self, given: Columns, profiles: Sequence[Profile], class_names: ClassNames, where: str
    ) -> None:
        self.given = given
        self.profiles = profiles
        self.class_names = class_names
        self.name = list_columns(given.tags)
        self.where = where

    def _ask(self, question: str) -> TagifaiError:
        return TagifaiError(f"{self.where}: {self.name}: {question}")

    def decide_separator(self) -> tuple[str, str]:
        """Decide what separates the tags of a cell; the second is that in words."""
        texts = sum(profile.kinds["text"] for profile in self.profiles)
        lists = sum(profile.lists for profile in self.profiles)
        listed = sum(profile.kinds["list"] for profile in self.profiles)
        if any(p.kinds["truth"] or "word" in (p.binary or ()) for p in self.profiles):
            raise self._ask(
                "true and false, or yes and no, are seldom tags: --one-hot "
                f"{shorten(self.given.tags[0])} makes the column itself one, --separator none "
                "takes its words"
            )
        if not texts:
            return "", "lists" if listed else ""
        if lists == texts:
            return "", "lists in the cells"
        if lists or listed:
            raise self._ask(
                f"{counted(lists + listed, 'cell')} with lists and "
                f"{counted(texts - lists, 'cell')} without: mend them, or --separator says what "
                "stands between tags"
            )
        bracketed = [p.bracketed for p in self.profiles if p.bracketed]
        if bracketed:
            raise self._ask(
                f"{shorten(repr(bracketed[0]))} looks like a list, and cannot be read as "
                "one: mend it, or --separator none takes each cell as one tag"
            )
        if sum(profile.angles for profile in self.profiles) == texts:
            return ANGLE, "as in <a><b>"
        return self._separator_of_texts()

    def _separator_of_texts(self) -> tuple[str, str]:
        seen: Counter[str] = Counter()
        for profile in self.profiles:
            seen.update(profile.separated)
        found = [sign for sign, count in seen.items() if count]
        if len(found) > 1:
            raise self._ask(
                f"{' or '.join(map(_describe_sign, found))} could stand between tags: --separator "
                "says which, --separator none takes each cell as one tag"
            )
        if found and (found[0] != COMMA or self._commas_separate()):
            return found[0], f"separated by {SEPARATORS.get(found[0], 'commas')}"
        doubtful: tuple[str, str] | None
        if found or any(profile.spaced for profile in self.profiles):
            sign = found[0] if found else " "
            cells = (cell for profile in self.profiles for cell in profile.distinct)
            doubtful = sign, next(cell for cell in cells if sign in cell)
        else:
            doubtful = self._other_separator()
        if doubtful:
            sign, cell = doubtful
            raise self._ask(
                f"{shorten(cell)!r} is one tag or several: --separator '{sign}' or "
                "--separator none says which"
            )
        return NONE, "each cell one tag"

    def _other_separator(self) -> tuple[str, str] | None:
        """Find a sign, as in "a/b", between parts that other cells have too."""
        cells = {cell for profile in self.profiles for cell in profile.distinct}
        for sign in sorted({sign for cell in cells for sign in cell if not sign.isalnum()}):
            parts_of = {cell: {part.strip() for part in cell.split(sign)} for cell in cells}
            seen = Counter(part for parts in parts_of.values() for part in parts if part)
            for cell, parts in sorted(parts_of.items()):
                if len(parts) > 1 and all(seen[part] > 1 for part in parts):
                    return sign, cell
        return None

    def _commas_separate(self) -> bool:
        """Check whether commas separate tags: the name is a plural, or parts are in other cells."""
        if all(name_key(name) in TAG_NAMES_OF_MANY for name in self.given.tags):
            return True
        cells = {cell for profile in self.profiles for cell in profile.distinct}
        parts = Counter(part for cell in cells for part in {p.strip() for p in cell.split(COMMA)})
        return any(
            sum(parts[part.strip()] > 1 for part in cell.split(COMMA)) >= 1
            for cell in cells
            if COMMA in cell
        )

    def decide_names(self, separator: str) -> tuple[Names, bool, str]:
        """Decide which tags numbers are: the names, whether lists are multi-hot, and in words."""
        given, profiles = self.given, self.profiles
        if not self._all_numbers(separator):
            return given.names, given.multi_hot, ""
        lowest = min(p.lowest for p in profiles if p.lowest is not None)
        highest = max(p.highest for p in profiles if p.highest is not None)
        lengths = {length for profile in profiles for length in profile.lengths}
        # As numbers of tags they would be the same two tags in every row.
        multi_hot = given.multi_hot or (
            len(lengths) == 1 and max(lengths) > 1 and all(p.zeros_and_ones for p in profiles)
        )
        known = {self.class_names[tag] for tag in given.tags if tag in self.class_names}
        names: Names = given.names
        whence = "as told"
        if names is None and len(known) == 1:
            names, whence = dict(enumerate(known.pop())), "as the file says"
        what = f"lists of {max(lengths)} times 0 or 1" if multi_hot else "numbers"
        if names is None:
            spoken = what if multi_hot else f"numbers from {lowest} to {highest}"
            raise self._ask(
                f"the tags are {spoken}: --names FILE or --names a,b,c says what they "
                "stand for" + ("" if multi_hot else ", --names none keeps the numbers")
            )
        if names == NONE:
            return names, multi_hot, "numbers kept as names (as told)"
        return names, multi_hot, f"{what} for {len(names)} names ({whence})"

    def _all_numbers(self, separator: str) -> bool:
        """Check whether the cells hold numbers alone, and find the least and the greatest."""
        found = False
        for profile in self.profiles:
            for kind in ("truth", "object", "other", "bytes"):
                if profile.kinds[kind]:
                    return False
            if set(+profile.items) - {"number"}:
                return False
            found = found or bool(profile.items["number"])
            for cell in profile.distinct:
                parts = [cell] if separator in ("", NONE, ANGLE) else cell.split(separator)
                numbers = [whole_number(part) for part in parts if part.strip()]
                if None in numbers:
                    return False
                for number in numbers:
                    found = True
                    profile.widen(number or 0)
            found = found or bool(profile.kinds["number"])
        return found
