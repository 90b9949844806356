"""Tell which column holds what by names and cells, and ask where two readings are possible."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tagifai.data.arrow_files import ClassNames
from tagifai.data.assignment import SPLIT_NAMES, is_blank
from tagifai.data.columns import ORIGINAL, OWN, Columns, check_columns, named_columns
from tagifai.data.tag_cells import (
    ANGLE,
    BINARY,
    MISSING,
    NONE,
    Names,
    parse_list,
    whole_number,
)
from tagifai.errors import TagifaiError, counted, one_of, shorten

ALL = "all"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXT_NAMES = _words(
    "text texts description descriptions desc comment comments comment_text content contents body "
    "sentence sentences abstract abstracts review reviews tweet tweets message messages document "
    "documents post posts utterance plot overview synopsis summary summaries question questions "
    "query article articles lyrics transcript note notes report reports passage paragraph input "
    "story"
)
TEXT_ENDINGS = ("_text", "_body", "_content", "_description", "_abstract")
# These two are so much the names of texts that other columns of prose raise no doubt.
PLAIN_TEXT_NAMES = ("text", "description")
TITLE_NAMES = _words("title titles headline headlines heading subject")
ID_NAMES = _words(
    "id _id ids uid uuid guid idx index key row_id doc_id document_id comment_id tweet_id post_id "
    "review_id article_id paper_id text_id item_id sample_id example_id record_id message_id "
    "project_id question_id sentence_id movie_id book_id pmid doi"
)
TAG_NAMES_OF_MANY = _words(
    "tags labels categories classes genres topics keywords emotions intents codes subjects themes "
    "targets terms hashtags tag_names label_names tag_list label_list tag_ids label_ids"
)
TAG_NAMES_OF_ONE = _words(
    "tag label category class genre topic keyword emotion intent code theme target sentiment "
    "tag_name label_name tag_text label_text tag_id label_id"
)
SPLIT_COLUMNS = _words("split set subset partition fold data_split dataset_split")
# Columns of 0 and 1 that are seldom tags.
FLAG = re.compile(
    r"(is|has|was|are|can|num|n|contains|includes)_.+|.+_(count|flag|num)"
    r"|verified|deleted|edited|removed|pinned|archived|published|count|rating|score|votes?|likes"
    r"|retweets?|shares|year|month|day|fold|split|train|test|val|valid|validation|dev|index"
    r"|gold|truncated|locked|hidden|active|enabled"
)
# Names of yes-or-no columns: tags where all begin alike, as in is_toxic and is_obscene.
_ASKING = ("is_", "has_")
_NUMBERED = re.compile(r"(.*?)_?\d+")
_INDEX = re.compile(r"Unnamed: \d+|__index_level_\d+__")
_SEPARATORS = {";": "semicolons", "|": "vertical bars", "\n": "line ends", "\t": "tabs"}
_COMMA = ","
_MOST_DISTINCT = 5_000
_LONG = 300
_LONGEST_LIST = 100_000
_WORDS_OF_PROSE = 4


@dataclass(slots=True)
class Profile:
    """What the cells of one column are, counted as they go by."""

    seen: int = 0
    blank: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    prose: int = 0
    lists: int = 0
    bracketed: str = ""
    angles: int = 0
    spaced: int = 0
    separated: Counter[str] = field(default_factory=Counter)
    distinct: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    lengths: set[int] = field(default_factory=set)
    zeros_and_ones: bool = True
    binary: set[str] | None = field(default_factory=set)
    numbers: int = 0
    lowest: int | None = None
    highest: int | None = None
    in_order: bool = True
    floats: int = 0
    maps: bool = True
    # How often each short cell has come again since it was counted: most are few words, or 0.
    again: dict[str | tuple[type, int], int] = field(default_factory=dict)

    def add(self, value: object, number: int) -> None:
        """Take in a cell; `number` is that of its row. `finish` counts what has come again."""
        self.seen += 1
        if (isinstance(value, str) and len(value) <= _LONG) or isinstance(value, int):
            # 1 and True are equal, and no strings.
            key = value if isinstance(value, str) else (type(value), value)
            before = self.again.get(key)
            if before is not None:
                self.again[key] = before + 1
                return
            if len(self.again) < _MOST_DISTINCT:
                self.again[key] = 0
        if self.in_order:
            self.in_order = whole_number(value) in (number - 1, number)
        self._count(value, 1)

    def finish(self) -> None:
        """Count the cells that have come again, each as often as it has."""
        for key, times in self.again.items():
            if times:
                value = key[1] if isinstance(key, tuple) else key
                self.in_order = False
                self._count(value, times)
        self.again.clear()

    def _count(self, value: object, times: int) -> None:
        if isinstance(value, str):
            self._add_text(value.strip(), times)
        elif is_blank(value):
            self.blank += times
        elif isinstance(value, list | tuple):
            self.kinds["list"] += times
            self.binary = None
            self._add_items(value)
        else:
            self._add_other(value, times)

    def _add_text(self, cell: str, times: int) -> None:
        if not cell:
            self.blank += times
            return
        self.kinds["text"] += times
        if self.binary is not None:
            self._add_binary(cell.lower())
        if cell[0] in "[({a" and len(cell) <= _LONGEST_LIST:
            found = parse_list(cell)
            if found is not None:
                self.lists += times
                self._add_items(list(found) if isinstance(found, dict) else found)
                return
            if cell[0] == "[" and cell[-1] == "]" and not self.bracketed:
                self.bracketed = cell[:_LONG]
        if cell.count(" ") >= _WORDS_OF_PROSE - 1:
            self.prose += times
        if len(self.distinct) < _MOST_DISTINCT or cell in self.distinct:
            self.distinct[cell if len(cell) <= _LONG else cell[:_LONG]] += times
        if len(cell) > _LONG:
            return
        self._add_number(whole_number(cell), times)
        if cell[0] == "<" and re.fullmatch(r"(?:\s*<[^<>]+>)+", cell):
            self.angles += times
        for sign in (*_SEPARATORS, _COMMA):
            if sign in cell:
                self.separated[sign] += times
        self.spaced += " " in cell

    def _add_binary(self, cell: str) -> None:
        assert self.binary is not None
        # A single letter may be anything: it is taken for yes or no where that is told.
        if cell in BINARY and not (len(cell) == 1 and cell.isalpha()):
            self.binary.add("word" if cell.isalpha() else "float" if "." in cell else "whole")
        elif cell not in MISSING:
            self.binary = None

    def _add_items(self, items: Sequence[object]) -> None:
        self.lengths.add(len(items))
        whole = [whole_number(item) for item in items]
        self.zeros_and_ones = self.zeros_and_ones and set(whole) <= {0, 1, -1}
        for item, number in zip(items, whole, strict=True):
            if number is not None:
                self.items["number"] += 1
                self._widen(number)
            else:
                kind = "text" if isinstance(item, str | bytes) else "other"
                self.items["object" if isinstance(item, dict) else kind] += 1

    def _add_other(self, value: object, times: int) -> None:
        self.maps = self.maps and isinstance(value, dict) and _maps_to_binary(value)
        if isinstance(value, bool):
            kind, binary = "truth", "truth"
        elif isinstance(value, int | float):
            kind, binary = "number", "float" if isinstance(value, float) else "whole"
        else:
            kind, binary = "object" if isinstance(value, dict) else "other", ""
            if isinstance(value, bytes) or (
                isinstance(value, dict) and any(isinstance(part, bytes) for part in value.values())
            ):
                kind = "bytes"
        self.kinds[kind] += times
        if self.binary is not None:
            if binary and value in (0, 1, -1):
                self.binary.add(binary)
            else:
                self.binary = None
        self.floats += isinstance(value, float)
        self._add_number(whole_number(value), times)

    def _add_number(self, value: int | None, times: int) -> None:
        if value is not None:
            self.numbers += times
            self._widen(value)

    def _widen(self, value: int) -> None:
        self.lowest = value if self.lowest is None else min(self.lowest, value)
        self.highest = value if self.highest is None else max(self.highest, value)

    @property
    def filled(self) -> int:
        """The number of cells that are not blank."""
        return self.seen - self.blank

    @property
    def is_prose(self) -> bool:
        """Whether most cells are sentences, and not always the same ones."""
        few = min(self.filled, _MOST_DISTINCT)
        return (
            self.kinds["text"] == self.filled > 0
            and not self.bracketed
            and self.prose >= self.filled / 2
            and len(self.distinct) >= few / 2
        )

    @property
    def is_text(self) -> bool:
        """Whether the cells are strings that are neither lists nor numbers."""
        return self.kinds["text"] == self.filled and self.lists + self.numbers < max(1, self.filled)

    @property
    def is_map(self) -> bool:
        """Whether each cell is an object of 0 and 1, as in {"toxic": 1, "obscene": 0}."""
        return self.maps and self.kinds["object"] == self.filled > 0

    @property
    def is_binary(self) -> bool:
        """Whether each cell is 0, 1 or -1, and not all are blank."""
        return bool(self.binary)


def _maps_to_binary(value: Mapping[object, object]) -> bool:
    return bool(value) and all(
        isinstance(part, int | float) and part in (0, 1, -1) for part in value.values()
    )


def profile_rows(rows: Iterable[tuple[int, Mapping[str, object]]]) -> dict[str, Profile]:
    """Count what the cells of each column are, in the order of the columns."""
    found: dict[str, Profile] = {}
    for number, record in rows:
        for name, value in record.items():
            profile = found.get(name)
            if profile is None:
                profile = found[name] = Profile()
            profile.add(value, number)
    for profile in found.values():
        profile.finish()
    return found


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column holds what, with nothing left open, and in words what each part was told by."""

    columns: Columns
    parts: Mapping[str, str]


def decide_layout(
    profiles: Mapping[str, Profile],
    given: Columns,
    class_names: ClassNames,
    where: str,
) -> Layout:
    """Tell which column holds what.

    Parameters
    ----------
    profiles : mapping of str to Profile
        What the cells of each column are.
    given : Columns
        What is known; "all" in `one_hot` stands for every column of 0 and 1.
    class_names : mapping of str to tuple of str
        What the numbers of a column stand for, where the file says it.
    where : str
        The file, named in messages.

    Raises
    ------
    TagifaiError
        Two readings are possible, or none; the message names the flag that decides.
    """
    return _Decision(profiles, given, class_names, where).decide()


def name_key(name: str) -> str:
    """Return a column's name as the lists above have it.

    >>> name_key("Comment Text"), name_key("commentText"), name_key("TAGS")
    ('comment_text', 'comment_text', 'tags')
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s.\-_]+", "_", parted).lower()


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
            columns = self._cells(columns)
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

    def _listed(self, names: Iterable[str], most: int = 8) -> str:
        names = [shorten(name, 40) for name in names]
        more = f" and {len(names) - most} more" if len(names) > most else ""
        return ", ".join(names[:most]) + more

    def _leave_out(self) -> None:
        self.left_out = dict.fromkeys(self.given.leave_out, "")
        for name, profile in self.profiles.items():
            if name in self.used or name in self.left_out:
                continue
            if profile.kinds["bytes"]:
                self.left_out[name] = "bytes"
            elif not profile.filled and (name == "" or _INDEX.fullmatch(name)):
                self.left_out[name] = "blank"
            elif (name == "" or _INDEX.fullmatch(name)) and profile.in_order:
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
        """Take the column that is given, or the only one found; "" where there is none."""
        if given:
            numbers = "; numbers of the rows" if part == "id" else ""
            self.parts[part] = f"none{numbers} (as told)" if given == NONE else f"{given} (as told)"
            return given
        if len(found) > 1:
            none = "numbers the rows" if part == "id" else "leaves it out"
            raise self._ask(
                f"{part} could be in {self._listed(found)}: --{part} COL names the column, "
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
                f"texts could be in {self._listed(found)}: --text COL names the column "
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
            f"{self._listed(self.profiles, 20)}"
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
            self._tell_one_hot(columns, told=True)
            return (), columns
        groups = self._tag_columns(free)
        binary = [name for name in binary if not any(name in group for group in groups)]
        tags = [name for name in binary if not FLAG.fullmatch(name_key(name))]
        if groups and len(tags) > 1:
            raise self._ask(
                f"tags could be in {self._listed(groups[0])}, or be the columns of 0 and 1 "
                f"({self._listed(tags)}): --tags COL or --one-hot COL,COL,… says which"
            )
        if len(groups) > 1:
            found = [self._listed(group) for group in groups]
            raise self._ask(
                f"tags could be in {' or '.join(found)}: --tags COL[,COL…] names the columns"
            )
        if groups:
            return groups[0], ()
        if not binary:
            raise self._ask(
                "which column holds the tags? --tags COL names it, --one-hot COL,COL,… columns of "
                f"0 and 1 that are tags; the columns are {self._listed(self.profiles, 20)}"
            )
        self._check_one_hot(binary)
        self._tell_one_hot(binary, told=False)
        return (), tuple(binary)

    def _tag_columns(self, free: Sequence[str]) -> list[tuple[str, ...]]:
        """List the columns that hold tags by their names or types, numbered ones together."""
        named: dict[str, list[str]] = {}
        typed: dict[str, list[str]] = {}
        for name in free:
            key = name_key(name)
            profile = self.profiles[name]
            # tag1, tag2, … of 0 and 1 are tags themselves.
            numbered = None if profile.is_binary else _NUMBERED.fullmatch(key)
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
        if flags and not any(all(key.startswith(one) for key in keys) for one in _ASKING):
            doubt = f"of the columns of 0 and 1, {self._listed(flags)} may be no tags"
        elif places[-1] - places[0] >= len(places):
            between = [order[k] for k in range(places[0], places[-1]) if k not in places]
            doubt = (
                f"the columns of 0 and 1 ({self._listed(binary)}) do not stand side by side "
                f"({self._listed(between)} between them)"
            )
        elif len(kinds) > 1:
            doubt = f"the columns of 0 and 1 ({self._listed(binary)}) are of several types"
        else:
            return
        raise self._ask(
            f"{doubt}: --one-hot COL,COL,… names those that are tags, --one-hot all takes all, "
            "--tags COL another column"
        )

    def _tell_one_hot(self, columns: Sequence[str], *, told: bool) -> None:
        word = "column" if len(columns) == 1 else "columns"
        self.parts["tags"] = (
            f"{len(columns)} {word} of 0 and 1: {self._listed(columns, 20)}"
            f"{' (as told)' if told else ''}"
        )

    def _cells(self, columns: Columns) -> Columns:
        """Tell how tags stand in their cells."""
        given = self.given
        profiles = [self.profiles[name] for name in columns.tags]
        separator, how = given.separator, ""
        if not separator:
            separator, how = self._separator(columns.tags, profiles)
        elif separator == NONE:
            how = "each cell one tag"
        else:
            how = f"separated by {_SEPARATORS.get(separator, repr(separator))}"
        names, multi_hot, numbers = self._names(columns, profiles, separator)
        self.parts["tags"] = ", ".join(
            part for part in (self._listed(columns.tags), "" if multi_hot else how, numbers) if part
        )
        return replace(columns, separator=separator, names=names, multi_hot=multi_hot)

    def _separator(self, tags: Sequence[str], profiles: Sequence[Profile]) -> tuple[str, str]:
        texts = sum(profile.kinds["text"] for profile in profiles)
        lists = sum(profile.lists for profile in profiles)
        listed = sum(profile.kinds["list"] for profile in profiles)
        name = self._listed(tags)
        if any(p.kinds["truth"] or "word" in (p.binary or ()) for p in profiles):
            raise self._ask(
                f"{name}: true and false, or yes and no, are seldom tags: --one-hot "
                f"{shorten(tags[0])} makes the column itself one, --separator none takes its words"
            )
        if not texts:
            return "", "lists" if listed else ""
        if lists == texts:
            return "", "lists in the cells"
        if lists or listed:
            raise self._ask(
                f"{name}: {counted(lists + listed, 'cell')} with lists and "
                f"{counted(texts - lists, 'cell')} without: mend them, or --separator says what "
                "stands between tags"
            )
        bracketed = [p.bracketed for p in profiles if p.bracketed]
        if bracketed:
            raise self._ask(
                f"{name}: {shorten(repr(bracketed[0]))} looks like a list, and cannot be read as "
                "one: mend it, or --separator none takes each cell as one tag"
            )
        if sum(profile.angles for profile in profiles) == texts:
            return ANGLE, "as in <a><b>"
        seen: Counter[str] = Counter()
        for profile in profiles:
            seen.update(profile.separated)
        found = [sign for sign, count in seen.items() if count]
        if len(found) > 1:
            listed_signs = " or ".join(map(self._shown, found))
            raise self._ask(
                f"{name}: {listed_signs} could stand between tags: --separator says which, "
                "--separator none takes each cell as one tag"
            )
        if found and (found[0] != _COMMA or self._commas_separate(tags, profiles)):
            return found[0], f"separated by {_SEPARATORS.get(found[0], 'commas')}"
        spaced = any(profile.spaced for profile in profiles)
        if found or spaced:
            sign = found[0] if found else " "
            cell = next(cell for profile in profiles for cell in profile.distinct if sign in cell)
            raise self._ask(
                f"{name}: {shorten(cell)!r} is one tag or several: --separator '{sign}' or "
                "--separator none says which"
            )
        other = self._other_separator(profiles)
        if other:
            sign, cell = other
            raise self._ask(
                f"{name}: {shorten(cell)!r} is one tag or several: --separator '{sign}' or "
                "--separator none says which"
            )
        return NONE, "each cell one tag"

    def _other_separator(self, profiles: Sequence[Profile]) -> tuple[str, str] | None:
        """Find a sign, as in "a/b", between parts that are all met in other cells too."""
        cells = {cell for profile in profiles for cell in profile.distinct}
        for sign in sorted({sign for cell in cells for sign in cell if not sign.isalnum()}):
            parts_of = {cell: {part.strip() for part in cell.split(sign)} for cell in cells}
            seen = Counter(part for parts in parts_of.values() for part in parts if part)
            for cell, parts in sorted(parts_of.items()):
                if len(parts) > 1 and all(seen[part] > 1 for part in parts):
                    return sign, cell
        return None

    def _shown(self, sign: str) -> str:
        return {"\n": "line ends", "\t": "tabs"}.get(sign, repr(sign))

    def _commas_separate(self, tags: Sequence[str], profiles: Sequence[Profile]) -> bool:
        """Tell "a, b" from "Food, Drink": the name speaks of many, or parts come in other cells."""
        if all(name_key(name) in TAG_NAMES_OF_MANY for name in tags):
            return True
        cells = {cell for profile in profiles for cell in profile.distinct}
        parts = Counter(part for cell in cells for part in {p.strip() for p in cell.split(_COMMA)})
        return any(
            sum(parts[part.strip()] > 1 for part in cell.split(_COMMA)) >= 1
            for cell in cells
            if _COMMA in cell
        )

    def _names(
        self, columns: Columns, profiles: Sequence[Profile], separator: str
    ) -> tuple[Names, bool, str]:
        """Tell what numbers stand for: the names, whether lists are multi-hot, and in words."""
        given, name = self.given, self._listed(columns.tags)
        if not self._all_numbers(profiles, separator):
            return given.names, given.multi_hot, ""
        lowest = min(p.lowest for p in profiles if p.lowest is not None)
        highest = max(p.highest for p in profiles if p.highest is not None)
        lengths = {length for profile in profiles for length in profile.lengths}
        # As numbers of tags they would be the same two tags in every row.
        multi_hot = given.multi_hot or (
            len(lengths) == 1 and max(lengths) > 1 and all(p.zeros_and_ones for p in profiles)
        )
        known = {self.class_names[tag] for tag in columns.tags if tag in self.class_names}
        names: Names = given.names
        whence = "as told"
        if names is None and len(known) == 1:
            names, whence = dict(enumerate(known.pop())), "as the file says"
        what = f"lists of {max(lengths)} times 0 or 1" if multi_hot else "numbers"
        if names is None:
            spoken = what if multi_hot else f"numbers from {lowest} to {highest}"
            raise self._ask(
                f"{name}: the tags are {spoken}: --names FILE or --names a,b,c says what they "
                "stand for" + ("" if multi_hot else ", --names none keeps the numbers")
            )
        if names == NONE:
            return names, multi_hot, "numbers kept as names (as told)"
        return names, multi_hot, f"{what} for {len(names)} names ({whence})"

    def _all_numbers(self, profiles: Sequence[Profile], separator: str) -> bool:
        found = False
        for profile in profiles:
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
                    profile._widen(number or 0)
            found = found or bool(profile.kinds["number"])
        return found
