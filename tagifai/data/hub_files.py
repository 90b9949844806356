"""Choose the files of a dataset on the Hub that hold its rows, by its card and their names."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from tagifai.data.files import KINDS
from tagifai.data.sources import split_of
from tagifai.errors import TagifaiError, one_of, shorten

ARROW = (".arrow", ".feather")
# The best first: what keeps types and names of classes.
ORDER = ("parquet", "arrow", "jsonl", "json", "csv", "tsv")
# JSON files that describe a dataset and hold no rows.
ABOUT = ("dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json")
MAX_PATTERN = 300


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file of rows, and the split that the dataset's card or its folder names ("" for none)."""

    path: str
    split: str = ""


Pattern = tuple[str, str]
"""A split ("" for none) and the pattern of its files."""


def choose_files(files: Collection[str], card: object, config: str = "") -> list[Chosen]:
    """Return the files that hold the rows.

    Parameters
    ----------
    files : collection of str
        The paths of all files in the repository.
    card : object
        The metadata at the top of README.md; None without any.
    config : str
        The configuration that was asked for; "" for the default one.

    Raises
    ------
    TagifaiError
        There is no such file, or several configurations and no default one.
    """
    configs, default = read_configs(card)
    if configs:
        name = _choose(configs, config, default)
        chosen = _matching(files, configs[name])
        if not chosen:
            patterns = ", ".join(pattern for _, pattern in configs[name])
            raise TagifaiError(f"README.md: no file of rows matches {shorten(patterns, 200)}")
        return chosen
    rows = sorted(path for path in files if kind_of_rows(path))
    below_data = [path for path in rows if path.startswith("data/")]
    groups: dict[str, list[str]] = {}
    for path in below_data or rows:
        groups.setdefault(_group(path), []).append(path)
    if not groups:
        raise TagifaiError(
            f"no file of rows in it; {', '.join((*KINDS, *ARROW))} are read "
            f"(it has {shorten(', '.join(sorted(files)), 120) or 'no file'})"
        )
    paths = groups[_choose(groups, config, "")]
    kinds = {kind_of_rows(path) for path in paths}
    kind = next(one for one in ORDER if one in kinds)
    return [Chosen(path, _split_of(path)) for path in paths if kind_of_rows(path) == kind]


def read_configs(card: object) -> tuple[dict[str, list[Pattern]], str]:
    """Return the patterns of each configuration in a card, and which one is the default.

    >>> read_configs({"configs": [{"config_name": "a", "data_files": "a/*.csv"}]})
    ({'a': [('', 'a/*.csv')]}, '')

    What is malformed is left out: a card is written by hand.
    """
    listed = card.get("configs") if isinstance(card, Mapping) else None
    configs: dict[str, list[Pattern]] = {}
    default = ""
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, Mapping):
            continue
        name = str(one.get("config_name", "default"))
        folder = one.get("data_dir")
        base = f"{folder.strip('/')}/" if isinstance(folder, str) and folder.strip("/.") else ""
        patterns = [(split, base + pattern) for split, pattern in _patterns(one.get("data_files"))]
        if not patterns and base:
            patterns = [("", f"{base}**")]
        if patterns:
            configs[name] = patterns
            if one.get("default") is True:
                default = name
    return configs, default


def kind_of_rows(path: str) -> str:
    """Return the kind of a file that may hold rows, "" for any other.

    >>> kind_of_rows("data/train.jsonl.gz"), kind_of_rows("README.md"), kind_of_rows(".a/b.csv")
    ('jsonl', '', '')
    """
    place = PurePosixPath(path)
    if place.name in ABOUT or any(part.startswith(".") for part in place.parts):
        return ""
    name = place.name.lower()
    suffix = PurePosixPath(name.removesuffix(".gz")).suffix
    if suffix in ARROW:
        return "arrow"
    kind = KINDS.get(suffix, "")
    return "" if kind == "parquet" and name.endswith(".gz") else kind


def _choose(configs: Mapping[str, object], asked: str, default: str) -> str:
    if asked:
        if asked not in configs:
            raise one_of("configuration", asked, configs)
        return asked
    if default or "default" in configs:
        return default or "default"
    if len(configs) > 1:
        names = ", ".join(name or "the root" for name in configs)
        raise TagifaiError(
            f"several configurations ({shorten(names, 200)}) and no default one: --config NAME "
            f"chooses"
        )
    return next(iter(configs))


def _patterns(found: object) -> list[Pattern]:
    """Read `data_files`: patterns, a list of {split, path}, or patterns by split."""
    if isinstance(found, Mapping):
        return [(str(split), one) for split, paths in found.items() for one in _texts(paths)]
    listed = found if isinstance(found, list) else [found]
    pairs: list[Pattern] = []
    for one in listed:
        if isinstance(one, Mapping):
            split = str(one.get("split", ""))
            pairs += [(split, path) for path in _texts(one.get("path"))]
        elif isinstance(one, str):
            pairs.append(("", one.removeprefix("./")))
    return pairs


def _texts(found: object) -> list[str]:
    listed = found if isinstance(found, list) else [found]
    return [one.removeprefix("./") for one in listed if isinstance(one, str)]


def _matching(files: Iterable[str], patterns: Iterable[Pattern]) -> list[Chosen]:
    chosen: dict[str, Chosen] = {}
    rows = sorted(path for path in files if kind_of_rows(path))
    for split, pattern in patterns:
        if len(pattern) > MAX_PATTERN or pattern.count("**") > 3:
            raise TagifaiError(f"README.md: pattern {shorten(pattern)!r}: too long")
        for path in rows:
            if matches(path, pattern):
                chosen.setdefault(path, Chosen(path, split or _split_of(path)))
    return list(chosen.values())


def matches(path: str, pattern: str) -> bool:
    """Check whether a path matches a pattern in which `**` stands for any folders.

    >>> matches("data/train-0.parquet", "data/train-*"), matches("a/b/c.csv", "*.csv")
    (True, False)
    >>> matches("a/b/c.csv", "**/*.csv"), matches("a/b/c.csv", "a/**")
    (True, True)
    """
    return _match(path.split("/"), pattern.split("/"))


def _match(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_match(parts[start:], patterns[1:] or ["*"]) for start in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], patterns[0]) and _match(parts[1:], patterns[1:])


def _group(path: str) -> str:
    """Return the folder that stands for a configuration: neither `data` nor that of a split."""
    parts = PurePosixPath(path).parent.parts
    return "/".join(part for part in parts if part != "data" and not split_of(part))


def _split_of(path: str) -> str:
    place = PurePosixPath(path)
    return split_of(place.stem) or split_of(place.parent.name)
