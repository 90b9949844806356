"""Decide which column holds what, by names and cells; ask where two readings are possible."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tagifai.data.arrow_files import ClassNames
from tagifai.data.assignment import SPLIT_NAMES
from tagifai.data.columns import ORIGINAL, OWN, Columns, check_columns, named_columns
from tagifai.data.known_names import (
    ASKING,
    FLAG,
    ID_NAMES,
    INDEX,
    NUMBERED,
    PLAIN_TEXT_NAMES,
    SPLIT_COLUMNS,
    TAG_NAMES_OF_MANY,
    TAG_NAMES_OF_ONE,
    TEXT_ENDINGS,
    TEXT_NAMES,
    TITLE_NAMES,
    list_columns,
    name_key,
)
from tagifai.data.profiles import Profile
from tagifai.data.tag_cells import NONE
from tagifai.data.tag_forms import decide_tag_form
from tagifai.errors import TagifaiError, one_of, shorten

ALL = "all"


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column holds what.

    Attributes
    ----------
    columns : Columns
        Which column holds what, with nothing left open.
    parts : mapping of str to str
        In words, the columns of each part, and why.
    """

    columns: Columns
    parts: Mapping[str, str]


def decide_layout(
    profiles: Mapping[str, Profile],
    given: Columns,
    class_names: ClassNames,
    where: str,
) -> Layout:
    """Decide which column holds what.

    Parameters
    ----------
    profiles : mapping of str to Profile
        What the cells of each column are.
    given : Columns
        What is known; "all" in `one_hot` means every column of 0 and 1.
    class_names : mapping of str to tuple of str
        The names of the numbers in a column, where the file has them.
    where : str
        The file, named in messages.

    Raises
    ------
    TagifaiError
        Two readings are possible, or none; the message names the flag that decides.
    """
    return _Decision(profiles, given, class_names, where).decide()


class _Decision:
    """One pass over the parts: split, id, tags, texts, titles, and what is left."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        given: Columns,
        class_names: ClassNames,
        where: str,
    ) -> None:
        self.profiles = profiles
        self.given = given
        self.class_names = class_names
        self.where = where
        self.parts: dict[str, str] = {}
        self.used: set[str] = set()
        self.left_out: dict[str, str] = {}

    def decide(self) -> Layout:
        given = self.given
        for name in (*named_columns(given), *given.leave_out):
            if name not in self.profiles and name != ALL:
                raise self._ask(str(one_of("column", name, self.profiles)))
        self.used = set(named_columns(given))
        self._leave_out()
        split = self._single("split", given.split, self._splits())
        one = self._single("id", given.id, self._named(ID_NAMES, prefer="id"))
        tags, one_hot = self._tags()
        self.used |= {*tags, *one_hot}
        text, title = self._texts()
        columns = replace(
            given,
            id=one or NONE,
            title=title or NONE,
            text=text,
            split=split,
            tags=tags,
            one_hot=one_hot,
            unlabelled=given.unlabelled or "whole",
            leave_out=tuple(self.left_out),
        )
        if tags:
            columns, self.parts["tags"] = decide_tag_form(
                self.profiles, columns, self.class_names, self.where
            )
        check_columns(columns, self.where)
        kept = [
            f"{name} as {ORIGINAL}{name}" if name in OWN else name
            for name in self.profiles
            if name not in self.used and name not in self.left_out
        ]
        if one not in ("", NONE) and self.profiles[one].floats:
            self.parts["id"] += ", whole numbers written as 7.0, read as 7"
        order = ("id", "title", "text", "tags", "split")
        parts = {part: self.parts[part] for part in order if part in self.parts}
        if kept:
            parts["kept"] = ", ".join(kept)
        if self.left_out:
            parts["left out"] = ", ".join(
                f"{name or 'a column without a name'} ({why})" if why else name
                for name, why in self.left_out.items()
            )
        return Layout(columns, parts)

    def _ask(self, question: str) -> TagifaiError:
        return TagifaiError(f"{self.where}: {question}")

    def _free(self) -> list[str]:
        return [
            name for name in self.profiles if name not in self.used and name not in self.left_out
        ]

    def _leave_out(self) -> None:
        self.left_out = dict.fromkeys(self.given.leave_out, "")
        for name, profile in self.profiles.items():
            if name in self.used or name in self.left_out:
                continue
            if profile.kinds["bytes"]:
                self.left_out[name] = "bytes"
            elif not profile.filled and (name == "" or INDEX.fullmatch(name)):
                self.left_out[name] = "blank"
            elif (name == "" or INDEX.fullmatch(name)) and profile.in_order:
                self.left_out[name] = "numbers of the rows"
            elif name == "":
                raise self._ask(
                    "a column has cells and no name: name it in the file, or --header COL,COL,… "
                    "names the columns of a file without a header"
                )

    def _named(self, names: Iterable[str], *, prefer: str = "") -> list[str]:
        found = [name for name in self._free() if name_key(name) in names]
        preferred = [name for name in found if name_key(name) == prefer]
        return preferred or found

    def _splits(self) -> list[str]:
        found = []
        for name in self._named(SPLIT_COLUMNS):
            profile = self.profiles[name]
            values = profile.distinct
            strange = [value for value in values if value.lower() not in SPLIT_NAMES]
            texts = profile.kinds["text"] == profile.filled
            if texts and not strange and (values or name == "split"):
                found.append(name)
            elif name == "split" and self.given.split != NONE:
                seen = strange[0] if strange else "something else"
                raise self._ask(
                    f"split: {shorten(seen)!r} is not train, val or test: --split none keeps the "
                    f"column as {ORIGINAL}split, --split COL names another"
                )
        return [name for name in found if name == "split"] or found

    def _single(self, part: str, given: str, found: Sequence[str]) -> str:
        """Return the column that is given, or the only one found; "" where there is none."""
        if given:
            numbers = "; numbers of the rows" if part == "id" else ""
            self.parts[part] = f"none{numbers} (as told)" if given == NONE else f"{given} (as told)"
            return given
        if len(found) > 1:
            none = "numbers the rows" if part == "id" else "leaves it out"
            raise self._ask(
                f"{part} could be in {list_columns(found)}: --{part} COL names the column, "
                f"--{part} none {none}"
            )
        if found:
            self.used.add(found[0])
            self.parts[part] = found[0]
            return found[0]
        if part != "split":
            self.parts[part] = "none; numbers of the rows" if part == "id" else "none"
        return ""

    def _texts(self) -> tuple[str, str]:
        given = self.given
        titles = [name for name in self._named(TITLE_NAMES) if self.profiles[name].is_text]
        if given.title:
            titles = [given.title] if given.title != NONE else []
        if given.text:
            text = given.text
            self.parts["text"] = f"{text} (as told)"
        else:
            text = self._text([name for name in titles if name != given.title])
            self.used.add(text)
        titles = [name for name in titles if name != text]
        return text, self._single("title", given.title, titles)

    def _text(self, titles: Sequence[str]) -> str:
        free = [name for name in self._free() if name not in titles]
        named = [
            name
            for name in free
            if self.profiles[name].is_text
            and (name_key(name) in TEXT_NAMES or name_key(name).endswith(TEXT_ENDINGS))
        ]
        prose = [name for name in free if self.profiles[name].is_prose]
        doubtful = {*named, *prose}
        if len(named) == 1 and name_key(named[0]) in PLAIN_TEXT_NAMES:
            doubtful = {*named}
        if len(doubtful) > 1:
            found = [name for name in free if name in doubtful]
            raise self._ask(
                f"texts could be in {list_columns(found)}: --text COL names the column "
                "(--title COL one that is read before it)"
            )
        if named:
            self.parts["text"] = named[0]
            return named[0]
        if prose:
            self.parts["text"] = f"{prose[0]} (the only column of sentences)"
            return prose[0]
        if len(titles) == 1:
            self.parts["text"] = titles[0]
            return titles[0]
        raise self._ask(
            f"which column holds the texts? --text COL names it; the columns are "
            f"{list_columns(self.profiles, 20)}"
        )

    def _tags(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the columns with tags in their cells, or those that are tags themselves."""
        given = self.given
        free = self._free()
        binary = [name for name in free if self.profiles[name].is_binary]
        if given.tags:
            return given.tags, ()
        if given.one_hot:
            columns = tuple(binary) if given.one_hot == (ALL,) else given.one_hot
            if not columns:
                raise self._ask("--one-hot all: no column holds 0 and 1 alone")
            self._describe_one_hot(columns, given=True)
            return (), columns
        groups = self._tag_columns(free)
        binary = [name for name in binary if not any(name in group for group in groups)]
        tags = [name for name in binary if not FLAG.fullmatch(name_key(name))]
        if groups and len(tags) > 1:
            raise self._ask(
                f"tags could be in {list_columns(groups[0])}, or be the columns of 0 and 1 "
                f"({list_columns(tags)}): --tags COL or --one-hot COL,COL,… says which"
            )
        if len(groups) > 1:
            found = [list_columns(group) for group in groups]
            raise self._ask(
                f"tags could be in {' or '.join(found)}: --tags COL[,COL…] names the columns"
            )
        if groups:
            return groups[0], ()
        if not binary:
            raise self._ask(
                "which column holds the tags? --tags COL names it, --one-hot COL,COL,… columns of "
                f"0 and 1 that are tags; the columns are {list_columns(self.profiles, 20)}"
            )
        self._check_one_hot(binary)
        self._describe_one_hot(binary, given=False)
        return (), tuple(binary)

    def _tag_columns(self, free: Sequence[str]) -> list[tuple[str, ...]]:
        """List the columns that hold tags by their names or types, numbered ones together."""
        named: dict[str, list[str]] = {}
        typed: dict[str, list[str]] = {}
        for name in free:
            key = name_key(name)
            profile = self.profiles[name]
            # tag1, tag2, … of 0 and 1 are tags themselves.
            numbered = None if profile.is_binary else NUMBERED.fullmatch(key)
            stem = numbered[1] if numbered else key
            listed = profile.kinds["list"] or 0 < profile.lists == profile.filled
            if stem in TAG_NAMES_OF_MANY or stem in TAG_NAMES_OF_ONE or name in self.class_names:
                named.setdefault(stem if numbered else name, []).append(name)
            elif (listed and profile.items["text"]) or profile.is_map:
                typed[name] = [name]
        # Lists under another name are those of authors, say, where a column is called tags.
        return [tuple(group) for group in (named or typed).values()]

    def _check_one_hot(self, binary: Sequence[str]) -> None:
        keys = [name_key(name) for name in binary]
        flags = [name for name, key in zip(binary, keys, strict=True) if FLAG.fullmatch(key)]
        order = [name for name in self._free() if name in self.profiles]
        places = [order.index(name) for name in binary]
        kinds = {frozenset(self.profiles[name].binary or ()) for name in binary}
        if len(binary) == 1:
            raise self._ask(
                f"{shorten(binary[0])} is the only column of 0 and 1: --one-hot {binary[0]} makes "
                "it a tag, --tags COL names a column with tags in its cells"
            )
        if flags and not any(all(key.startswith(one) for key in keys) for one in ASKING):
            doubt = f"of the columns of 0 and 1, {list_columns(flags)} may be no tags"
        elif places[-1] - places[0] >= len(places):
            between = [order[k] for k in range(places[0], places[-1]) if k not in places]
            doubt = (
                f"the columns of 0 and 1 ({list_columns(binary)}) do not stand side by side "
                f"({list_columns(between)} between them)"
            )
        elif len(kinds) > 1:
            doubt = f"the columns of 0 and 1 ({list_columns(binary)}) are of several types"
        else:
            return
        raise self._ask(
            f"{doubt}: --one-hot COL,COL,… names those that are tags, --one-hot all takes all, "
            "--tags COL another column"
        )

    def _describe_one_hot(self, columns: Sequence[str], *, given: bool) -> None:
        word = "column" if len(columns) == 1 else "columns"
        self.parts["tags"] = (
            f"{len(columns)} {word} of 0 and 1: {list_columns(columns, 20)}"
            f"{' (as told)' if given else ''}"
        )
