"""What the page and the command line both call: data, versions and cache put together."""

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tagifai.data import (
    CONFIG_FILE,
    PROJECT_FILES,
    TAG_FILE,
    Dataset,
    Project,
    known_columns,
    known_tags,
    load_dataset,
)
from tagifai.data.assignment import SPLITS_FILE
from tagifai.data.browse import ProjectIndex, count_words
from tagifai.data.config import load_config
from tagifai.data.frequency import FrequencySelection, build_frequency_table, select_by_frequency
from tagifai.data.left_out import LeftOut, find_left_out
from tagifai.data.sources import list_files
from tagifai.errors import TagifaiError, one_of
from tagifai.text.preprocessing import TextPreprocessor

_SAMPLE_TEXT = range(20, 301)
"""Characters of a text that shows what preprocessing does, at a glance."""
USUAL_FILES = (*PROJECT_FILES, TAG_FILE, CONFIG_FILE, SPLITS_FILE)


def sample_text(projects: Sequence[Project]) -> str:
    """Return the first text that is neither very short nor long, or the beginning of the first.

    Examples
    --------
    >>> sample_text([Project("1", "Cats", "", ()), Project("2", "Cats that look at dogs", "", ())])
    'Cats that look at dogs'
    """
    texts = (project.text for project in projects)
    found = next((text for text in texts if len(text) in _SAMPLE_TEXT), None)
    return found or (projects[0].text[: _SAMPLE_TEXT[-1]] if projects else "")


class LoadedData:
    """A dataset and what is looked up in it again and again, each made when first asked for."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._words: dict[str, tuple[tuple[str, int], ...]] = {}

    @property
    def language(self) -> str:
        """Name the language of the texts."""
        return self.dataset.config.language

    @cached_property
    def preprocess(self) -> TextPreprocessor:
        """Turn a text into words as its language has it, whatever a version does."""
        return TextPreprocessor(language=self.language)

    @cached_property
    def frequencies(self) -> Any:
        """Count tags once for every frequency."""
        return build_frequency_table(self.dataset)

    @cached_property
    def left_out(self) -> LeftOut:
        """Count what no version learns from."""
        return find_left_out(self.dataset)

    @cached_property
    def index(self) -> ProjectIndex:
        """Index the projects for search and sorting."""
        return ProjectIndex(self.dataset.projects)

    @cached_property
    def by_id(self) -> dict[str, Project]:
        """Find a project by its id."""
        return {project.id: project for project in self.dataset.projects}

    @cached_property
    def by_tag(self) -> dict[str, list[Project]]:
        """Find the projects of a tag."""
        found: dict[str, list[Project]] = {}
        for project in self.dataset.projects:
            for tag in project.tags:
                found.setdefault(tag, []).append(project)
        return found

    @cached_property
    def tag_names(self) -> list[str]:
        """List every tag that the data has, on a project or in the tag file."""
        return known_tags(self.dataset)

    @cached_property
    def columns(self) -> list[str]:
        """List the other columns of the data."""
        return known_columns(self.dataset)

    def warm_up(self) -> None:
        """Make what the first page shows."""
        self.index.page("", "", False, 1)
        if self.description["tags"]:
            self.filter_tags(self.description["most_common"])

    def filter_tags(self, min_tag_freq: int) -> FrequencySelection:
        """Select the tags of at least `min_tag_freq` projects."""
        return select_by_frequency(self.frequencies, min_tag_freq)

    @cached_property
    def description(self) -> dict[str, Any]:
        """Tell a sample project, the tags' names, their counts and what is left out."""
        project = self.dataset.projects[0]
        counts = self.frequencies.counts
        return {
            "sample": {
                "id": project.id,
                "title": project.title,
                "description": project.description,
                "tags": list(project.tags),
                **project.extra,
            },
            "tags": self.tag_names,
            "most_common": int(counts[0]) if counts.size else 1,
            "counts": sorted(set(counts.tolist())),
            "excluded": self.left_out.excluded,
            "unlisted": self.left_out.unlisted,
            "unlabelled": self.left_out.unlabelled,
            "text": sample_text(self.dataset.projects),
            "language": self.language,
            "digest": self.dataset.digest,
        }

    def describe_tag(self, tag: str) -> dict[str, Any]:
        """Give what is known of a tag: aliases, parents, children, number of projects."""
        if tag not in self.by_tag and tag not in self.dataset.tags:
            raise one_of("tag", tag, self.tag_names)
        known = self.dataset.tags.get(tag)
        return {
            "tag": tag,
            "aliases": list(known.aliases) if known else [],
            "parents": list(known.parents) if known else [],
            "children": sorted(t.tag for t in self.dataset.tags.values() if tag in t.parents),
            "num_projects": len(self.by_tag.get(tag, [])),
        }

    def count_words(self, tag: str) -> tuple[tuple[str, int], ...]:
        """Count the words of a tag's projects, once a tag."""
        if tag not in self._words:
            self._words[tag] = count_words(self.by_tag.get(tag, []), tag, self.preprocess)
        return self._words[tag]


class DataDesk:
    """The data folder as it is now: read again when a file of it changes, once for everybody."""

    def __init__(self, folder: Path, load: Callable[..., Dataset] = load_dataset) -> None:
        self.folder = folder
        self.num_read = 0
        self._load = load
        self._lock = threading.Lock()
        self._stamp: tuple[Any, ...] | None = None
        self._usual: tuple[Any, ...] | None = None
        self._named: list[Path] = []
        self._loaded: LoadedData | None = None

    def get(self) -> LoadedData:
        """Return the data as the files say now.

        Raises:
            TagifaiError: the folder is missing or a file of it is malformed.
        """
        with self._lock:
            stamp = self._read_stamp()
            if self._loaded is None or stamp != self._stamp:
                self._loaded = None
                self.num_read = 0
                dataset = self._load(self.folder, self._advance)
                self.num_read = len(dataset.projects)
                self._loaded = LoadedData(dataset)
                self._stamp = stamp
            return self._loaded

    def _advance(self, num_read: int) -> None:
        self.num_read = num_read

    def _read_stamp(self) -> tuple[Any, ...]:
        usual = _stat(self.folder / name for name in USUAL_FILES)
        if usual != self._usual:
            self._usual = usual
            self._named = _named_files(self.folder)
        return (*usual, *_stat(self._named))


def _stat(paths: Iterable[Path]) -> tuple[Any, ...]:
    found = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)


def _named_files(folder: Path) -> list[Path]:
    """List the files that `[columns]` names, and the folders that they are in."""
    try:
        columns = load_config(folder).columns
        named = [folder / name for name in columns.file] if columns else []
        return [*named, *(file for path in named for file in list_files(path) if file != path)]
    except TagifaiError:
        return []  # which reading the data tells
