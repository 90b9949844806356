"""Versions as git tags: `model/workspace/` or `model/` at each, read without a checkout."""

import hashlib
import re
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Hashable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tagifai.errors import TagifaiError, counted, one_of, shorten
from tagifai.limits import Limits
from tagifai.pointers import MAX_POINTER, Pointer, read_pointer
from tagifai.store.beside import MAX_FILES, FileBeside, check_room
from tagifai.store.git import ObjectReader, copy_object, run_git
from tagifai.store.naming import version_order
from tagifai.store.sources import FILES, combine_digests

FOLDERS = ("model/workspace", "model")
FETCH_EVERY_S = 60.0
_BLOB = re.compile(r"([0-9a-f]{40,64}) blob (\d+)")
# A plain file: a link has the mode 120000, a submodule is no blob.
_ENTRY = re.compile(
    rb"100(?:644|755|664) blob (?P<id>[0-9a-f]{40,64}) +(?P<size>\d+)\t(?P<path>.+)", re.DOTALL
)


class GitSource:
    """A repository's tags, at a path or an https URL.

    Tags without a performance.json in one of `FOLDERS` are no versions. Where the path is a
    folder within a repository, `FOLDERS` below it come first. A tag that was moved is seen when
    the versions are listed next; a URL is asked again at most every `fetch_every` seconds, and
    cached as a bare clone below `cache_dir` (None: until the end). A Git LFS pointer is followed
    to what the repository has fetched of it.
    """

    def __init__(
        self,
        where: str,
        cache_dir: Path | str | None = None,
        fetch_every: float = FETCH_EVERY_S,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self.limits = limits
        self.url = where if "://" in where else None
        self.folders: tuple[str, ...] = FOLDERS
        self.fetch_every = fetch_every
        self._fetched_at: float | None = None
        self._blobs: dict[str, dict[str, tuple[str, int]]] = {}
        self._places: dict[str, str] = {}
        self._beside: dict[str, dict[str, FileBeside]] = {}
        self._tags: dict[str, str] = {}
        self._lock = threading.RLock()
        if self.url is None:
            self.repository = Path(where)
            if where and self.repository.is_file():
                raise TagifaiError(f"git:{shorten(where)}: a file, not a repository's folder")
            if not where or not self.repository.is_dir():
                raise TagifaiError(f"git:{shorten(where)}: no such folder; or give an https:// URL")
            self._check_repository()
            below = run_git(self.repository, ["rev-parse", "--show-prefix"]).decode().strip("\n")
            if below:
                self.folders = (*(below + folder for folder in FOLDERS), *FOLDERS)
        else:
            _check_url(self.url)
            if cache_dir is None:
                self._scratch = tempfile.TemporaryDirectory(prefix="tagifai-git-")
                cache_dir = self._scratch.name
            digest = hashlib.sha256(self.url.encode()).hexdigest()[:16]
            self.repository = Path(cache_dir) / "git" / f"{digest}.git"
        self._reader = ObjectReader(self.repository)

    @property
    def location(self) -> str:
        """Where this is, for messages; a password in a URL is not repeated."""
        if self.url is None:
            return f"git:{self.repository}"
        parts = urlsplit(self.url)
        return f"git:{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def names(self) -> list[str]:
        """List the tags that hold a version, in version order; the repository is asked again."""
        with self._lock:
            self._fetch()
            listed = run_git(
                self.repository, ["for-each-ref", "--format=%(objectname) %(refname)", "refs/tags"]
            )
            tags = {}
            for line in listed.decode("utf-8", "replace").splitlines():
                object_id, _, ref = line.partition(" ")
                tags[ref.removeprefix("refs/tags/")] = object_id
            self._find_blobs(set(tags.values()))
            self._tags = {
                name: object_id
                for name, object_id in tags.items()
                if "performance.json" in self._blobs[object_id]
            }
            return sorted(self._tags, key=version_order)

    def read(self, name: str, filename: str) -> bytes | None:
        """Return a file's bytes, None where the tag has no such file."""
        blob = self._files(name, filename).get(filename)
        if blob is None:
            return None
        self.limits.file.check(blob[1], f"{name}/{filename}")
        content = self._reader.read(blob[0])
        pointer = read_pointer(content)
        return content if pointer is None else self._follow(pointer, f"{name}/{filename}")

    def list_beside(self, name: str) -> dict[str, FileBeside]:
        """Return the plain files of a version's folder: links and submodules are left out."""
        with self._lock:
            self._files(name)
            object_id = self._tags[name]
            if object_id not in self._beside:
                self._beside[object_id] = self._list_folder(object_id, self._places[object_id])
            return self._beside[object_id]

    def copy_beside(self, name: str, path: str, to: Path, most: int) -> None:
        """Copy one of these files; a Git LFS pointer is followed to what was fetched of it."""
        found = self.list_beside(name)[path]
        check_room(found.size, most, self, name)
        pointer = None
        if found.size <= MAX_POINTER:
            pointer = read_pointer(self._reader.read(found.digest))
        if pointer is None:
            copy_object(self.repository, found.digest, to)
            return
        check_room(pointer.size, most, self, name)
        try:
            shutil.copyfile(self._fetched_object(pointer), to)
            with to.open("rb") as file:
                same = hashlib.file_digest(file, "sha256").hexdigest() == pointer.sha256
        except OSError:
            same = False
        if not same:
            raise self._not_fetched(pointer, f"{name}/{path}")

    def _list_folder(self, object_id: str, folder: str) -> dict[str, FileBeside]:
        arguments = ["ls-tree", "-r", "-l", "-z", "--full-tree", object_id, "--", f"{folder}/"]
        found: dict[str, FileBeside] = {}
        for line in run_git(self.repository, arguments).split(b"\0"):
            entry = _ENTRY.fullmatch(line)
            if entry is None or len(found) > MAX_FILES:
                continue
            try:
                path = entry["path"].decode().removeprefix(f"{folder}/")
            except UnicodeDecodeError:
                continue
            found[path] = FileBeside(entry["id"].decode(), int(entry["size"]))
        return found

    def stamp(self, name: str, filename: str) -> Hashable:
        """Return git's id of the file's content, None where there is none."""
        blob = self._files(name, filename).get(filename)
        return None if blob is None else blob[0]

    def sizes(self, name: str) -> dict[str, int]:
        """Return the sizes of the files that there are, in bytes."""
        return {filename: size for filename, (_, size) in self._files(name).items()}

    def fingerprint(self, name: str) -> str:
        """Return a digest of git's ids of the files' contents."""
        blobs = self._files(name)
        return combine_digests((filename, blob[0]) for filename, blob in blobs.items())

    def write(self, name: str, files: Mapping[str, bytes]) -> None:
        """Refuse: a version is made with git itself.

        Raises
        ------
        TagifaiError
            Always.
        """
        raise TagifaiError(
            f"{self.location} is only read here: commit model/workspace/ and tag it with git"
        )

    def check_writable(self, name: str) -> None:
        """Refuse, as `write` does."""
        self.write(name, {})

    def why_none(self) -> str:
        """Return why no tag of the repository is a version."""
        listed = run_git(self.repository, ["for-each-ref", "--format=%(refname)", "refs/tags"])
        num_tags = len(listed.splitlines())
        if num_tags:
            places = " or ".join(f"{folder}/performance.json" for folder in self.folders)
            return f"none of its {counted(num_tags, 'tag')} has {places}"
        if self.url is not None:
            return "the repository has no tags, and each tag is a version"
        shallow = run_git(self.repository, ["rev-parse", "--is-shallow-repository"])
        if shallow.strip() == b"true":
            return (
                "it is a shallow clone without tags, as `git clone --depth 1` makes it; "
                "`git fetch --unshallow --tags` brings them"
            )
        if run_git(self.repository, ["remote"]).strip():
            return "it has no tags, and each tag is a version; `git fetch --tags` brings them"
        return "it has no tags, and each tag is a version: commit model/workspace/ and tag it"

    def _is_partial(self) -> bool:
        found = run_git(self.repository, ["config", "--list", "--name-only"])
        return any(line.endswith(b".promisor") for line in found.splitlines())

    def _check_repository(self) -> None:
        try:
            run_git(self.repository, ["rev-parse", "--git-dir"])
        except TagifaiError as error:
            problem = str(error).removeprefix("git: ").removeprefix("fatal: ")
            raise TagifaiError(f"git:{self.repository}: {problem}") from None

    def _follow(self, pointer: Pointer, where: str) -> bytes:
        """Read what Git LFS fetched for a pointer, where its content is what the pointer says."""
        self.limits.file.check(pointer.size, where)
        try:
            with self._fetched_object(pointer).open("rb") as file:
                content = file.read(pointer.size + 1)
        except OSError:
            content = b""
        if len(content) == pointer.size and hashlib.sha256(content).hexdigest() == pointer.sha256:
            return content
        raise self._not_fetched(pointer, where)

    def _fetched_object(self, pointer: Pointer) -> Path:
        common = run_git(self.repository, ["rev-parse", "--git-common-dir"]).decode().strip("\n")
        digest = pointer.sha256
        return self.repository / common / "lfs/objects" / digest[:2] / digest[2:4] / digest

    def _not_fetched(self, pointer: Pointer, where: str) -> TagifaiError:
        brings = (
            f"`git lfs fetch --all` in {self.repository} brings it"
            if self.url is None
            else "clone the repository, run `git lfs fetch --all` in it, and give its folder"
        )
        return TagifaiError(
            f"{self.location}: {where}: a Git LFS pointer, not the file itself "
            f"({pointer.size:,} bytes): {brings}"
        )

    def _files(self, name: str, filename: str | None = None) -> dict[str, tuple[str, int]]:
        if filename is not None and filename not in FILES:
            raise one_of("version file", filename, FILES)
        with self._lock:
            if name not in self._tags:
                names = self.names()
                if name not in self._tags:
                    raise one_of("version", name, names)
            return self._blobs[self._tags[name]]

    def _find_blobs(self, object_ids: set[str]) -> None:
        # What a tag's object id holds never changes: only new ids are looked up.
        new = sorted(object_ids - self._blobs.keys())
        places = [(i, folder, file) for i in new for folder in self.folders for file in FILES]
        asked = "".join(f"{i}:{folder}/{file}\n" for i, folder, file in places)
        try:
            answer = run_git(self.repository, ["cat-file", "--batch-check"], asked.encode())
        except TagifaiError:
            if not self._is_partial():
                raise
            raise TagifaiError(
                f"{self.location}: a partial clone, without the files of other commits; "
                f"`git fetch --refetch --no-filter` brings them"
            ) from None
        found: dict[tuple[str, str], dict[str, tuple[str, int]]] = {}
        for (object_id, folder, file), line in zip(
            places, answer.decode("utf-8", "replace").splitlines(), strict=True
        ):
            blob = _BLOB.fullmatch(line)
            if blob:
                found.setdefault((object_id, folder), {})[file] = (blob[1], int(blob[2]))
        for object_id in new:
            self._blobs[object_id] = {}
            for folder in self.folders:
                files = found.get((object_id, folder), {})
                if "performance.json" in files:
                    self._blobs[object_id], self._places[object_id] = files, folder
                    break

    def _fetch(self) -> None:
        now = time.monotonic()
        recent = self._fetched_at is not None and now - self._fetched_at < self.fetch_every
        if self.url is None or recent:
            return
        known = (self.repository / "HEAD").exists()
        try:
            if not known:
                self.repository.mkdir(parents=True, exist_ok=True)
                run_git(self.repository, ["init", "--bare", "--quiet"])
            arguments = ["fetch", "--quiet", "--force", "--prune", "--no-tags", "--depth=1"]
            refs = "+refs/tags/*:refs/tags/*"
            run_git(self.repository, [*arguments, "--end-of-options", self.url, refs])
        except OSError as error:
            raise TagifaiError(f"{self.repository}: cannot be written ({error})") from None
        except TagifaiError as error:
            if not self._fetched_before():
                raise TagifaiError(f"{self.location}: {error}") from None
            message = f"{self.location}: {error}; the tags fetched before are shown"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        else:
            (self.repository / "fetched").touch()
        self._fetched_at = now

    def _fetched_before(self) -> bool:
        return (self.repository / "fetched").exists()


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "https" and bool(parts.hostname) and url.isprintable()
    except ValueError:
        fine = False
    if not fine or " " in url or not url.startswith("https://"):
        raise TagifaiError(f"git:{shorten(url)}: only https:// URLs and folders are read")
