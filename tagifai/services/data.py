"""The data folder as a service: read once for everybody, and again when a file changes."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from tagifai.data import (
    CONFIG_FILE,
    PARTS_FOLDER,
    PROJECT_FILES,
    TAG_FILE,
    Dataset,
    Project,
    known_columns,
    known_tags,
    load_dataset,
)
from tagifai.data.assignment import SPLITS_FILE
from tagifai.data.browse import Page, ProjectIndex, count_words
from tagifai.data.carried_tags import CarriedTags
from tagifai.data.config import load_config
from tagifai.data.files import FileStamp, stamp_file
from tagifai.data.frequency import (
    FrequencySelection,
    FrequencyTable,
    build_frequency_table,
    select_by_frequency,
)
from tagifai.data.hub import open_data
from tagifai.data.left_out import LeftOut, find_left_out
from tagifai.data.project_table import carried_tags, projects_by_id
from tagifai.data.sources import list_files
from tagifai.errors import TagifaiError, one_of
from tagifai.limits import Limits
from tagifai.text.preprocessing import TextPreprocessor

_SAMPLE_TEXT = range(20, 301)
"""Lengths, in characters, of a text that shows at a glance what preprocessing does."""
_MOST_READ = 10_000
"""Projects among which such a text is looked for."""
FIXED_FILES = (*PROJECT_FILES, PARTS_FOLDER, TAG_FILE, CONFIG_FILE, SPLITS_FILE)
"""Files of a data folder that are looked for under these names."""

MOST_SAMPLED = 1_000
"""Projects of a tag whose words are counted; of more, a sample over all of the data."""
Stamp = tuple[tuple[str, FileStamp], ...]
"""Path, time of change, size and inode of each file: what shows that a file has changed."""


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What the Data tab shows of a data set before anything is chosen.

    Attributes
    ----------
    sample : Project
        The first project.
    tags : list of str
        Every tag, on a project or in the tag file, in alphabetical order.
    most_common : int
        Projects of the most common tag; 1 where there is no tag.
    counts : list of int
        The different numbers of projects that tags have, rising.
    left_out : LeftOut
        What no version learns from.
    text : str
        A text to try preprocessing on.
    language, digest : str
        The language of the texts, and the name of this data's content.
    """

    sample: Project
    tags: list[str]
    most_common: int
    counts: list[int]
    left_out: LeftOut
    text: str
    language: str
    digest: str


@dataclass(frozen=True, slots=True)
class WordCounts:
    """The commonest words in the projects of a tag.

    Attributes
    ----------
    words : tuple of (str, int)
        Words, and how many of the projects have each, the commonest first.
    num_counted, num_projects : int
        Projects whose words were counted, and projects of the tag.
    """

    words: tuple[tuple[str, int], ...]
    num_counted: int
    num_projects: int


@dataclass(frozen=True, slots=True)
class TagDetails:
    """What is known of a tag: its metadata, the tags below it, and its number of projects."""

    tag: str
    aliases: list[str]
    parents: list[str]
    children: list[str]
    num_projects: int


def sample_text(projects: Sequence[Project]) -> str:
    """Return the first text that is neither very short nor long, or the beginning of the first.

    Examples
    --------
    >>> sample_text([Project("1", "Cats", "", ()), Project("2", "Cats that look at dogs", "", ())])
    'Cats that look at dogs'
    """
    texts = (project.text for project in islice(projects, _MOST_READ))
    found = next((text for text in texts if len(text) in _SAMPLE_TEXT), None)
    return found or (projects[0].text[: _SAMPLE_TEXT[-1]] if projects else "")


class LoadedData:
    """A data set and what is looked up in it, each computed when first asked for."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._words: dict[str, WordCounts] = {}

    @property
    def language(self) -> str:
        """The language of the texts."""
        return self.dataset.config.language

    @cached_property
    def preprocess(self) -> TextPreprocessor:
        """The preprocessing of the data's language, whatever a version does."""
        return TextPreprocessor(language=self.language)

    @cached_property
    def frequencies(self) -> FrequencyTable:
        """The tags counted once for every minimum frequency."""
        return build_frequency_table(self.dataset)

    @cached_property
    def left_out(self) -> LeftOut:
        """What no version learns from."""
        return find_left_out(self.dataset)

    @cached_property
    def index(self) -> ProjectIndex:
        """The projects, indexed for search and sorting."""
        return ProjectIndex(self.dataset.projects)

    @cached_property
    def by_id(self) -> Mapping[str, Project]:
        """Each project by its id."""
        return projects_by_id(self.dataset.projects)

    @cached_property
    def carried(self) -> CarriedTags:
        """The tags of each project, and the projects of each tag."""
        return carried_tags(self.dataset.projects)

    @cached_property
    def tag_names(self) -> list[str]:
        """Every tag, on a project or in the tag file."""
        return known_tags(self.dataset)

    @cached_property
    def columns(self) -> list[str]:
        """The other columns of the data."""
        return known_columns(self.dataset)

    def warm_up(self) -> None:
        """Compute what the first page shows."""
        if self.summary.tags:
            self.filter_tags(self.summary.most_common)

    def filter_tags(self, min_tag_freq: int) -> FrequencySelection:
        """Select the tags of at least `min_tag_freq` projects."""
        return select_by_frequency(self.frequencies, min_tag_freq)

    @cached_property
    def summary(self) -> DataSummary:
        """What the Data tab shows before anything is chosen."""
        counts = self.frequencies.counts
        return DataSummary(
            sample=self.dataset.projects[0],
            tags=self.tag_names,
            most_common=int(counts[0]) if counts.size else 1,
            counts=sorted(set(counts.tolist())),
            left_out=self.left_out,
            text=sample_text(self.dataset.projects),
            language=self.language,
            digest=self.dataset.digest,
        )

    def describe_tag(self, tag: str) -> TagDetails:
        """Return what is known of a tag.

        Raises
        ------
        TagifaiError
            The data has no such tag.
        """
        if tag not in self.carried.counts and tag not in self.dataset.tags:
            raise one_of("tag", tag, self.tag_names)
        known = self.dataset.tags.get(tag)
        return TagDetails(
            tag=tag,
            aliases=list(known.aliases) if known else [],
            parents=list(known.parents) if known else [],
            children=sorted(t.tag for t in self.dataset.tags.values() if tag in t.parents),
            num_projects=self.carried.counts.get(tag, 0),
        )

    def count_words(self, tag: str) -> WordCounts:
        """Count the words of a tag's projects, once for each tag."""
        if tag not in self._words:
            rows = self.carried.rows_of(tag)
            sample = rows[:: -(-len(rows) // MOST_SAMPLED)] if len(rows) else rows
            projects = (self.dataset.projects[row] for row in sample.tolist())
            words = count_words(projects, tag, self.preprocess)
            self._words[tag] = WordCounts(words, len(sample), len(rows))
        return self._words[tag]


class DataService:
    """The data folder as it is now: read again when a file of it changes, once for everybody."""

    def __init__(
        self,
        data: Path,
        load: Callable[..., Dataset] = load_dataset,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self.data = data
        self.num_read = 0
        self._limits = limits
        self._folder: Path | None = None
        self._opening = threading.Lock()
        self._load = load
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._fixed: Stamp | None = None
        self._named: list[Path] = []
        self._loaded: LoadedData | None = None

    @property
    def folder(self) -> Path:
        """The data folder; a dataset of the Hub is fetched when it is first asked for.

        Raises
        ------
        TagifaiError
            It cannot be fetched, or nobody can tell what it holds.
        """
        with self._opening:
            if self._folder is None:
                self._folder = open_data(self.data, self._limits)
            return self._folder

    def get(self) -> LoadedData:
        """Return the data as the files are now.

        Raises
        ------
        TagifaiError
            The folder is missing, or a file of it is malformed.
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

    @property
    def num_indexed(self) -> int:
        """How many projects can be searched so far."""
        loaded = self._loaded
        return loaded.index.num_indexed if loaded else 0

    def summary(self) -> DataSummary:
        """Return what the Data tab shows before anything is chosen."""
        return self.get().summary

    def filter_tags(self, min_tag_freq: int) -> FrequencySelection:
        """Select the tags of at least `min_tag_freq` projects."""
        return self.get().filter_tags(min_tag_freq)

    def page_projects(self, query: str, sort: str, descending: bool, number: int) -> Page:
        """Return one page of the projects that match `query`."""
        return self.get().index.page(query, sort, descending, number)

    def describe_tag(self, tag: str) -> TagDetails:
        """Return what is known of a tag."""
        return self.get().describe_tag(tag)

    def count_words(self, tag: str) -> WordCounts:
        """Count the most common words in the projects of a tag."""
        return self.get().count_words(tag)

    def _advance(self, num_read: int) -> None:
        self.num_read = num_read

    def _read_stamp(self) -> Stamp:
        fixed = _stamp(self.folder / name for name in FIXED_FILES)
        if fixed != self._fixed:
            self._fixed = fixed
            self._named = _named_files(self.folder)
        return (*fixed, *_stamp(self._named))


def _stamp(paths: Iterable[Path]) -> Stamp:
    stamps = ((str(path), stamp_file(path)) for path in paths)
    return tuple((path, stamp) for path, stamp in stamps if stamp is not None)


def _named_files(folder: Path) -> list[Path]:
    """List the files that `[columns]` names, or of a folder of parts, and their folders."""
    try:
        columns = load_config(folder).columns
        named = [folder / name for name in columns.file] if columns else []
        parts = (folder / name for name in (PARTS_FOLDER, *PROJECT_FILES))
        named += [path for path in parts if path.is_dir()]
        return [*named, *(file for path in named for file in list_files(path) if file != path)]
    except TagifaiError:
        return []  # reading the data reports it
