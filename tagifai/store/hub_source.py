"""Versions on the Hugging Face Hub: each tag and each branch of a model repository is one."""

import hashlib
import os
import re
import shutil
import time
import warnings
from collections.abc import Hashable, Mapping
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import msgspec
import orjson

from tagifai.errors import TagifaiError, counted, one_of
from tagifai.hub import (
    hub_api,
    hub_cache,
    hub_endpoint,
    hub_error,
    is_unreachable,
    parse_hub_name,
)
from tagifai.limits import Limits
from tagifai.store.beside import FileBeside, check_room
from tagifai.store.naming import version_order
from tagifai.store.sources import FILES, PREDICTOR_FILE, combine_digests

if TYPE_CHECKING:
    from huggingface_hub import HfApi

FOLDERS = ("", "model/workspace/", "model/")
FETCH_EVERY_S = 60.0
MAX_REFS = 1_000
MAX_TREE = 20_000
_VERSION = re.compile(r"[^/\\\0]{1,255}")


class HubFile(msgspec.Struct, frozen=True):
    """A file of one commit: its path in the repository, the id of its content, its bytes."""

    path: str
    blob_id: str
    size: int


class Listing(msgspec.Struct, frozen=True):
    """What a repository held when it was asked: the commit of each ref, each commit's files.

    Where a version names a predictor, `beside` has all files of its folder by their path from it.
    """

    commits: dict[str, str]
    files: dict[str, dict[str, HubFile]]
    beside: dict[str, dict[str, HubFile]] = {}

    def knows(self, commit: str) -> bool:
        """Check whether a commit was asked for, by a program that asked for all that is needed."""
        files = self.files.get(commit)
        return files is not None and (PREDICTOR_FILE not in files or commit in self.beside)


class HubSource:
    """A repository of models, as `ORG/NAME`, or `ORG/NAME@REVISION` for one version alone.

    The files of a version stand at the root, in `model/workspace/` or in `model/`; a tag or branch
    without a performance.json in one of them is no version. The Hub is asked for new tags at most
    every `fetch_every` seconds. Files come from the Hub's own cache once they are fetched, and
    without a network the versions that were listed last are read from there. A token for private
    and gated repositories comes from the environment (`HF_TOKEN`), another Hub from `HF_ENDPOINT`.

    Raises
    ------
    TagifaiError
        `where` is no name of a repository.
    """

    def __init__(
        self,
        where: str,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        fetch_every: float = FETCH_EVERY_S,
    ) -> None:
        self.name = parse_hub_name(where)
        self.repository, self.revision = self.name.repository, self.name.revision
        self.limits = limits
        self.fetch_every = fetch_every
        self._asked_at: float | None = None
        self._listing = Listing({}, {})
        self._lock = RLock()

    @property
    def location(self) -> str:
        """Name the repository, for messages."""
        return str(self.name)

    def names(self) -> list[str]:
        """List the tags and branches that hold a version, in version order."""
        with self._lock:
            self._refresh()
            commits, files = self._listing.commits, self._listing.files
            found = [name for name in commits if "performance.json" in files[commits[name]]]
            return sorted(found, key=version_order)

    def read(self, name: str, filename: str) -> bytes | None:
        """Return a file's bytes, None where the version has no such file."""
        commit, files = self._files(name, filename)
        if filename not in files:
            return None
        found, where = files[filename], f"{self.location}: {name}/{filename}"
        self.limits.file.check(found.size, where)
        try:
            with self._fetch(found, commit).open("rb") as file:
                content = file.read(self.limits.file.num_bytes + 1)
        except OSError as error:
            raise hub_error(error, self.location) from None
        self.limits.file.check(len(content), where)
        return content

    def list_beside(self, name: str) -> dict[str, FileBeside]:
        """Return the files of a version's folder, where it names a predictor."""
        commit, _ = self._files(name)
        found = self._listing.beside.get(commit, {})
        return {path: FileBeside(one.blob_id, one.size) for path, one in found.items()}

    def copy_beside(self, name: str, path: str, to: Path, most: int) -> None:
        """Copy one of these files out of the Hub's own cache, without a second copy if possible."""
        commit, _ = self._files(name)
        # What is in the cache may be a link; what it leads to is the file.
        fetched = self._fetch(self._listing.beside[commit][path], commit).resolve()
        try:
            check_room(fetched.stat().st_size, most, self, name)
            try:
                os.link(fetched, to)
            except OSError:  # on another disk
                shutil.copyfile(fetched, to)
        except OSError as error:
            raise hub_error(error, self.location) from None

    def _fetch(self, found: HubFile, commit: str) -> Path:
        """Return where a file lies in the Hub's own cache, fetched if need be.

        Raises
        ------
        TagifaiError
            It cannot be fetched.
        """
        try:
            return Path(
                hub_api().hf_hub_download(
                    self.repository, found.path, revision=commit, cache_dir=hub_cache()
                )
            )
        except Exception as error:
            raise hub_error(error, self.location) from None

    def stamp(self, name: str, filename: str) -> Hashable:
        """Return the id of the file's content, None where there is none."""
        found = self._files(name, filename)[1].get(filename)
        return None if found is None else found.blob_id

    def sizes(self, name: str) -> dict[str, int]:
        """Return the sizes of the files that there are, in bytes."""
        return {filename: found.size for filename, found in self._files(name)[1].items()}

    def fingerprint(self, name: str) -> str:
        """Return a digest of the ids of the files' contents."""
        files = self._files(name)[1]
        return combine_digests((filename, found.blob_id) for filename, found in files.items())

    def write(self, name: str, files: Mapping[str, bytes]) -> None:
        """Refuse: a version is pushed and tagged with the Hub's own tools.

        Raises
        ------
        TagifaiError
            Always.
        """
        raise TagifaiError(
            f"{self.location} is only read here: save the version in a folder, "
            f"`hf upload` it and tag it"
        )

    def check_writable(self, name: str) -> None:
        """Refuse, as `write` does."""
        self.write(name, {})

    def why_none(self) -> str:
        """Return why no tag or branch is a version."""
        refs = counted(len(self._listing.commits), "tag or branch")
        places = ", ".join(f"{folder}performance.json" for folder in FOLDERS)
        return f"it has {refs}, none with one of {places}"

    def _files(self, name: str, filename: str | None = None) -> tuple[str, dict[str, HubFile]]:
        if filename is not None and filename not in FILES:
            raise one_of("version file", filename, FILES)
        with self._lock:
            if name not in self._listing.commits:
                names = self.names()
                if name not in names:
                    raise one_of("version", name, names)
            commit = self._listing.commits[name]
            return commit, self._listing.files[commit]

    def _refresh(self) -> None:
        now = time.monotonic()
        if self._asked_at is not None and now - self._asked_at < self.fetch_every:
            return
        try:
            self._listing = self._ask()
        except Exception as error:
            listing = self._read_saved()
            if listing is None or not is_unreachable(error):
                raise hub_error(error, self.location) from None
            self._listing = listing
            message = f"{hub_error(error, self.location)}; the versions listed last are shown"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        else:
            self._save()
        self._asked_at = now

    def _ask(self) -> Listing:
        api = hub_api()
        refs = api.list_repo_refs(self.repository)
        commits = {
            ref.name: ref.target_commit
            for ref in islice((*refs.branches, *refs.tags), MAX_REFS)
            if _VERSION.fullmatch(ref.name)
        }
        if self.revision:
            if self.revision not in commits:
                raise one_of(f"revision of hf:{self.repository}", self.revision, commits)
            commits = {self.revision: commits[self.revision]}
        known = self._listing if self._listing.files else self._read_saved() or self._listing
        listing = Listing(commits, {}, {})
        for commit in dict.fromkeys(commits.values()):
            # The files of a commit never change: only new ones are asked for.
            if known.knows(commit):
                files, beside = known.files[commit], known.beside.get(commit, {})
            else:
                files, beside = self._ask_files(api, commit)
            listing.files[commit] = files
            if beside:
                listing.beside[commit] = beside
        return listing

    def _ask_files(
        self, api: "HfApi", commit: str
    ) -> tuple[dict[str, HubFile], dict[str, HubFile]]:
        """Return the files of a commit's version, and all of its folder if a predictor is there."""
        from huggingface_hub.hf_api import RepoFile

        tree = api.list_repo_tree(self.repository, revision=commit, recursive=True)
        found = {
            one.path: HubFile(one.path, one.blob_id, one.size)
            for one in islice(tree, MAX_TREE)
            if isinstance(one, RepoFile)
        }
        for folder in FOLDERS:
            if f"{folder}performance.json" in found:
                below = {
                    path.removeprefix(folder): one
                    for path, one in found.items()
                    if path.startswith(folder)
                }
                files = {name: below[name] for name in FILES if name in below}
                return files, below if PREDICTOR_FILE in files else {}
        return {}, {}

    def _saved(self) -> Path:
        asked = f"{hub_endpoint() or ''} {self.location}".encode()
        name = hashlib.sha256(asked).hexdigest()[:24]
        return hub_cache() / ".tagifai" / f"{name}.json"

    def _read_saved(self) -> Listing | None:
        try:
            return msgspec.json.decode(self._saved().read_bytes(), type=Listing)
        except (OSError, msgspec.DecodeError):
            return None

    def _save(self) -> None:
        path = self._saved()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = path.with_suffix(f".{os.getpid()}")
            scratch.write_bytes(orjson.dumps(msgspec.to_builtins(self._listing)))
            scratch.replace(path)
        except OSError:
            return  # a cache that cannot be written only costs the versions offline
