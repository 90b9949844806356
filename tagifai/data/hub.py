"""Data sets on the Hugging Face Hub: fetched once for each revision, read as a data folder."""

import hashlib
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from tagifai.data import PROJECT_FILES, TAG_FILE
from tagifai.data.agreement import SECOND_TAGS
from tagifai.data.assignment import SPLITS_FILE
from tagifai.data.columns import Columns
from tagifai.data.config import CONFIG_FILE, load_config
from tagifai.data.folders import put_into_place, scratch_folder
from tagifai.data.hub_files import ABOUT, Chosen, choose_files, kind_of_rows
from tagifai.data.sources import split_of
from tagifai.errors import TagifaiError, shorten
from tagifai.hub import (
    HubName,
    hub_api,
    hub_cache,
    hub_endpoint,
    hub_error,
    hub_name_of,
    is_on_hub,
    is_unreachable,
)
from tagifai.limits import MB, Limits

# The files of a data folder, as they are called at the root of a repository.
OWN_FILES = (
    *PROJECT_FILES,
    TAG_FILE,
    CONFIG_FILE,
    SPLITS_FILE,
    SECOND_TAGS,
    "slices.json",
    "behavioral.json",
)
CARD = "README.md"
# What `datasets` saves at the root of a folder of its own.
SAVED = ("state.json", "dataset_dict.json")
MAX_CARD = 4 * MB
MAX_TREE = 20_000
# Folders made by another form of the importer are made again.
FORM = 1
_COMMIT = re.compile(r"[0-9a-f]{40}")

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """Files that lie on this disk.

    Attributes
    ----------
    paths : tuple of Path
        What the importer reads.
    names : dict of str to str
        How messages call each path: by its place in the repository.
    """

    paths: tuple[Path, ...]
    names: dict[str, str]


def open_data(
    data: Path,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> Path:
    """Return a data folder: the one named, or the one made of a data set on the Hub.

    Parameters
    ----------
    data : Path
        A folder, or `hf:ORG/DATASET` or `hf:ORG/DATASET@REVISION`.
    limits : Limits
        How many bytes are downloaded at most.
    progress : callable, optional
        Receives bytes done, all bytes, and which file is fetched.

    Raises
    ------
    TagifaiError
        There is no such repository or revision, it may not be read, the Hub does not answer and
        nothing is in the cache, or it is unclear what the files hold.
    """
    if not is_on_hub(data):
        return data
    return HubDataset(hub_name_of(data), limits, progress).folder()


def made_folders() -> Path:
    """Return where folders made of data sets on the Hub are, within the Hub's cache."""
    return hub_cache() / ".tagifai" / "data"


def refuse_hub_folder(folder: Path | str) -> None:
    """Refuse to write into a folder that was made of a data set on the Hub.

    Raises
    ------
    TagifaiError
        It is such a folder: what is written there would vanish with the cache.
    """
    folder = Path(folder)
    if ".tagifai" not in folder.parts:
        return
    if folder.resolve().is_relative_to(made_folders().resolve()):
        raise TagifaiError(
            f"{folder}: made of a data set on the Hub, and only read: `python -m tagifai data "
            f"import hf:ORG/DATASET --to DIR` makes a folder of your own, for --data"
        )


class HubDataset:
    """A data set on the Hub."""

    def __init__(
        self,
        name: HubName,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        progress: Progress | None = None,
    ) -> None:
        self.name = name
        self.limits = limits
        self.progress = progress

    @property
    def home(self) -> Path:
        """The folder of this data set's revisions in the cache."""
        elsewhere = hub_endpoint()
        mark = f"-{hashlib.sha256(elsewhere.encode()).hexdigest()[:8]}" if elsewhere else ""
        return made_folders() / f"{self.name.file_stem}{mark}"

    def folder(self) -> Path:
        """Return the data folder of the revision, made where it is not there yet."""
        commit = self._commit()
        to = self.home / f"{commit}-{FORM}"
        if not to.is_dir():
            with self._named():
                self._make(commit, to)
        self._remember(commit)
        return to

    @contextmanager
    def fetch(self, config: str = "") -> Iterator[Fetched]:
        """Fetch the files of rows, for as long as they are read.

        Raises
        ------
        TagifaiError
            As for `open_data`; within, errors name files by their place in the repository.
        """
        commit = self._commit()
        with self._named(), self._fetch_chosen(commit, self._sizes(commit), config) as fetched:
            yield fetched
        self._remember(commit)

    @contextmanager
    def _fetch_chosen(
        self, commit: str, sizes: dict[str, int], config: str = ""
    ) -> Iterator[Fetched]:
        own = [Chosen(path) for path in own_files(sizes) if path in PROJECT_FILES]
        if own:
            chosen = own
        elif any(name in sizes for name in SAVED):
            chosen = []
        else:
            chosen = choose_files(sizes, self._card(commit, sizes), config)
        with self._fetch_rows(commit, sizes, chosen) as fetched, _renamed(fetched):
            yield fetched

    def _make(self, commit: str, to: Path) -> None:
        from tagifai.data.importing import import_projects

        sizes = self._sizes(commit)
        if own_files(sizes):
            self._copy_own(commit, sizes, to)
            return
        try:
            with self._fetch_chosen(commit, sizes) as fetched:
                import_projects(fetched.paths, to, Columns())
        except TagifaiError as error:
            if to.is_dir():  # another process made it meanwhile
                return
            if " --" not in str(error):
                raise
            raise TagifaiError(
                f"{error}; `python -m tagifai data import {self.name} --to DIR` takes this flag"
            ) from None

    def _copy_own(self, commit: str, sizes: dict[str, int], to: Path) -> None:
        wanted = own_files(sizes)
        if CONFIG_FILE in wanted:
            (config,) = self._download(commit, [CONFIG_FILE], sizes)
            columns = load_config(config.parent).columns
            named = columns.file if columns else ()
            wanted += [
                path
                for path in sizes
                if path not in wanted
                and any(path == one or path.startswith(f"{one.rstrip('/')}/") for one in named)
            ]
        paths = self._download(commit, wanted, sizes)
        with scratch_folder(to) as folder:
            for name, path in zip(wanted, paths, strict=True):
                _link(path, folder / name)
            if not to.is_dir():
                put_into_place(folder, to, wanted)

    @contextmanager
    def _fetch_rows(
        self, commit: str, sizes: dict[str, int], chosen: Sequence[Chosen]
    ) -> Iterator[Fetched]:
        if not chosen:  # saved by `datasets`: its folder says itself what is in it
            wanted = [
                path
                for path in sizes
                if kind_of_rows(path) == "arrow" or PurePosixPath(path).name in ABOUT
            ]
            first = self._download(commit, wanted, sizes)[0]
            root = first.parents[len(PurePosixPath(wanted[0]).parts) - 1]
            yield Fetched((root,), {str(root): str(self.name)})
            return
        paths = self._download(commit, [one.path for one in chosen], sizes)
        with tempfile.TemporaryDirectory(prefix="tagifai-hub-") as scratch:
            read = []
            for number, (one, path) in enumerate(zip(chosen, paths, strict=True)):
                place = path
                # The importer goes by names of files; here the card or the folder says the split.
                if one.split and split_of(path.name.partition(".")[0]) != split_of(one.split):
                    suffixes = "".join(
                        path.suffixes[-2:] if path.suffix == ".gz" else [path.suffix]
                    )
                    place = Path(scratch) / f"{_safe(one.split)}-{number:05d}{suffixes}"
                    _link(path, place)
                read.append(place)
            names = {str(path): one.path for path, one in zip(read, chosen, strict=True)}
            yield Fetched(tuple(read), names)

    def _commit(self) -> str:
        revision = self.name.revision
        if _COMMIT.fullmatch(revision):
            return revision
        try:
            info = hub_api().dataset_info(self.name.repository, revision=revision or None)
        except Exception as error:
            known = self._remembered()
            if known is None or not is_unreachable(error):
                raise hub_error(error, str(self.name)) from None
            message = f"{hub_error(error, str(self.name))}; the commit fetched last is read"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
            return known
        if not info.sha or not _COMMIT.fullmatch(info.sha):
            raise TagifaiError(f"{self.name}: the Hub names no commit")
        return info.sha

    def _sizes(self, commit: str) -> dict[str, int]:
        """Return the size of each file, by its path."""
        from huggingface_hub.hf_api import RepoFile

        try:
            tree = hub_api().list_repo_tree(
                self.name.repository, revision=commit, recursive=True, repo_type="dataset"
            )
            listed = [one for one in islice(tree, MAX_TREE) if isinstance(one, RepoFile)]
        except Exception as error:
            raise hub_error(error, str(self.name)) from None
        return {one.path: one.size for one in listed if _stays_inside(one.path)}

    def _card(self, commit: str, sizes: dict[str, int]) -> object:
        from huggingface_hub.repocard import metadata_load

        if not 0 < sizes.get(CARD, 0) <= MAX_CARD:
            return None
        (path,) = self._download(commit, [CARD], sizes)
        try:
            found: object = metadata_load(path)
        except Exception as error:  # PyYAML's errors, and those of a card that is no text
            raise TagifaiError(f"{CARD}: {shorten(' '.join(str(error).split()), 200)}") from None
        return found

    def _download(self, commit: str, wanted: Sequence[str], sizes: dict[str, int]) -> list[Path]:
        total, done = sum(sizes[path] for path in wanted), 0
        self.limits.download.check(total, shorten(", ".join(wanted), 120))
        paths = []
        for path in wanted:
            if self.progress is not None:
                self.progress(done, total + 1, path)
            try:
                fetched = hub_api().hf_hub_download(
                    self.name.repository,
                    path,
                    revision=commit,
                    repo_type="dataset",
                    cache_dir=hub_cache(),
                )
            except Exception as error:
                raise hub_error(error, path) from None
            paths.append(Path(fetched))
            done += sizes[path]
        if self.progress is not None:
            self.progress(total, total, "")
        return paths

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Begin errors with the name of the data set."""
        try:
            yield
        except TagifaiError as error:
            text = str(error)
            start = f"{self.name}: "
            raise TagifaiError(text if text.startswith(start) else start + text) from None

    def _ref(self) -> Path:
        asked = self.name.revision.replace("/", "+") or "+latest"
        return self.home / f"{asked}.ref"

    def _remembered(self) -> str | None:
        try:
            found = self._ref().read_text("ascii").strip()
        except (OSError, ValueError):
            return None
        return found if _COMMIT.fullmatch(found) else None

    def _remember(self, commit: str) -> None:
        path = self._ref()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = path.with_name(f".{path.name}.{os.getpid()}")
            scratch.write_text(commit, "ascii")
            scratch.replace(path)
        except OSError:
            return  # a cache that cannot be written only costs the data offline


def own_files(files: Collection[str]) -> list[str]:
    """Return the files of a data folder at the root of a repository; none if it holds no such."""
    found = [name for name in OWN_FILES if name in files]
    return found if {*PROJECT_FILES} & {*found} or CONFIG_FILE in found else []


@contextmanager
def _renamed(fetched: Fetched) -> Iterator[None]:
    """Call files in errors what they are called in the repository."""
    try:
        yield
    except TagifaiError as error:
        text = str(error)
        for path, name in fetched.names.items():
            text = text.replace(path, name)
        raise TagifaiError(text) from None


def _link(path: Path, to: Path) -> None:
    """Make a file appear at another place, without a copy where the disk allows it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    real = path.resolve()
    try:
        os.link(real, to)
    except OSError:
        shutil.copyfile(real, to)


def _safe(split: str) -> str:
    return re.sub(r"[^\w-]", "_", split)[:60]


def _stays_inside(path: str) -> bool:
    place = PurePosixPath(path)
    return not place.is_absolute() and ".." not in place.parts and "\\" not in path
