"""Where versions are stored: one interface, and folders as its first implementation."""

import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Hashable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import orjson

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.limits import Limits
from tagifai.pointers import refuse_pointer
from tagifai.store.naming import WORKSPACE, version_order
from tagifai.store.prediction_table import PREDICTIONS_FILE, check_size

MODEL_FILE = "model.skops"
PICKLE_FILE = "model.pkl"
# Where a foreign predictor is and how it is loaded; `models.predictor_file` reads it.
PREDICTOR_FILE = "predictor.json"
# Of older versions.
NPZ_FILE = "predictions.npz"
FILES = (
    "params.json",
    "performance.json",
    PREDICTIONS_FILE,
    NPZ_FILE,
    "thresholds.json",
    "version.json",
    MODEL_FILE,
    PICKLE_FILE,
    PREDICTOR_FILE,
)
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_NO_NAME = re.compile(r"[/\\\0]")
# Windows has none.
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# A file written this recently may change again within the clock's resolution.
_SETTLED_NS = 2 * 10**9


class VersionSource(Protocol):
    """A home of versions, each a few small files under a name.

    Attributes
    ----------
    limits : Limits
        How large the files may be that are read and written.
    """

    limits: Limits

    @property
    def location(self) -> str:
        """Where this is, for messages."""

    def names(self) -> list[str]:
        """List the versions in version order, the workspace last."""

    def read(self, name: str, filename: str) -> bytes | None:
        """Return a file's bytes, None where the version has no such file.

        Raises
        ------
        TagifaiError
            No such version, a file larger than `limits` allow, a Git LFS pointer in place of the
            file, or an unreadable file.
        """

    def stamp(self, name: str, filename: str) -> Hashable:
        """Return something that differs once the file may have changed, without reading it.

        None where there is no such file.
        """

    def sizes(self, name: str) -> dict[str, int]:
        """Return the size in bytes of each of the version's `FILES` that there are."""

    def fingerprint(self, name: str) -> str:
        """Return a digest that changes with the content of any of the version's `FILES`."""

    def write(self, name: str, files: Mapping[str, bytes]) -> None:
        """Put all `files` there or none; only the workspace may be replaced.

        Raises
        ------
        TagifaiError
            A release of this name exists, the name is not allowed, a file would be too large to
            be read back, or it cannot be written.
        """

    def check_writable(self, name: str) -> None:
        """Refuse a name that `write` would refuse, before what is to be written is made.

        Raises
        ------
        TagifaiError
            A release of this name exists, a bad name, or a place where nothing can be written.
        """

    def why_none(self) -> str:
        """Return why there is no version here, as far as is known, and what would help."""


def check_new_name(name: str) -> None:
    """Refuse a name that could not live in every home.

    Raises
    ------
    TagifaiError
        The name is empty, too long, or has characters that are not allowed.
    """
    if not _SAFE_NAME.fullmatch(name) or ".." in name or name.endswith((".", ".lock")):
        raise TagifaiError(
            f"version {shorten(name)!r}: a name is 1 to 100 letters, digits, dots, dashes, "
            f"underscores or plus signs, as in 'v0.3.0'"
        )


def check_files(files: Mapping[str, bytes], limits: Limits) -> None:
    """Refuse files that are not part of a version, or could not be read back.

    Raises
    ------
    TagifaiError
        A filename is not among `FILES`, or a file is above one of the `limits`.
    """
    for filename, content in files.items():
        if filename not in FILES:
            raise one_of("version file", filename, FILES)
        limits.check_file(content, filename)
        if filename == PREDICTIONS_FILE:
            check_size(content, limits.unpacked, filename)


def read_files(source: VersionSource, name: str) -> dict[str, bytes]:
    """Read every file that a version has, as `write` takes them."""
    contents = {filename: source.read(name, filename) for filename in FILES}
    return {filename: content for filename, content in contents.items() if content is not None}


def pack_json(content: Mapping[str, object]) -> bytes:
    """Return a version's JSON file, for people: indented, keys in order, a last newline."""
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def combine_digests(digests: Iterable[tuple[str, str]]) -> str:
    """Return one digest of (filename, digest) pairs, whatever their order."""
    return hashlib.sha256(repr(sorted(digests)).encode()).hexdigest()


class FolderSource:
    """Versions as folders beside each other: `model/<version>/performance.json` and so on."""

    def __init__(self, path: Path | str, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        self.path = Path(path)
        self.limits = limits
        self._at = str(self.path)
        self._digests: dict[tuple[str, str], tuple[Hashable, str]] = {}
        self._listed: tuple[list[str], list[str]] = ([], [])

    @property
    def location(self) -> str:
        """Where this is, for messages."""
        return str(self.path)

    def names(self) -> list[str]:
        """List the folders in version order, the workspace last; hidden ones are left out."""
        try:
            with os.scandir(self.path) as entries:
                found = [
                    e.name
                    for e in entries
                    if e.name[0] not in "._"
                    and e.is_dir()
                    and (not e.is_symlink() or self._inside(Path(e.path)))
                ]
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            raise TagifaiError(f"{self.path}: a file, not a folder of versions") from None
        except (OSError, ValueError) as error:
            raise TagifaiError(f"{self.path}: cannot be listed ({_why(error)})") from None
        # Ten thousand names take longer to order than to list.
        listed, ordered = self._listed
        if found != listed:
            ordered = sorted(found, key=version_order)
            self._listed = found, ordered
        return list(ordered)

    def read(self, name: str, filename: str) -> bytes | None:
        """Return a file's bytes, None where the version has no such file."""
        content = self._read(name, filename)
        if content is not None:
            refuse_pointer(content, str(self.path / name / filename))
        return content

    def _read(self, name: str, filename: str) -> bytes | None:
        self._check(name, filename)
        content = _read_plain(f"{self._at}/{name}", filename, self.limits.file.num_bytes)
        if content is not None:
            return content
        path = self.path / name / filename
        try:
            if (path.is_symlink() or path.parent.is_symlink()) and not self._inside(path):
                raise TagifaiError(f"{path}: a link that leads out of {self.path}")
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):  # a pipe would never end
                raise TagifaiError(f"{path}: not a file")
            self.limits.file.check(found.st_size, str(path))
            with path.open("rb") as file:
                return file.read(found.st_size)
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise one_of("version", name, self.names()) from None
            return None
        except OSError as error:
            raise TagifaiError(f"{path}: cannot be read ({_why(error)})") from None

    def stamp(self, name: str, filename: str) -> Hashable:
        """Return device, inode, size and times of the file; None where there is none."""
        try:
            found = os.stat(f"{self._at}/{name}/{filename}")  # noqa: PTH116 - 10,000 at once
        except PermissionError as error:
            return error.errno, "it may be there: reading it says what is wrong"
        except (OSError, ValueError):
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def sizes(self, name: str) -> dict[str, int]:
        """Return the sizes of the files that there are, in bytes."""
        found = {}
        for filename in FILES:
            with suppress(FileNotFoundError):
                found[filename] = self._file(name, filename).stat().st_size
        return found

    def fingerprint(self, name: str) -> str:
        """Return the digest of the files' contents; files that stat as before aren't read."""
        present = ((filename, self._digest(name, filename)) for filename in FILES)
        return combine_digests((filename, digest) for filename, digest in present if digest)

    def write(self, name: str, files: Mapping[str, bytes]) -> None:
        """Put all `files` there or none; only the workspace may be replaced."""
        check_new_name(name)
        check_files(files, self.limits)
        target = self.path / name
        if target.exists() and name != WORKSPACE:
            raise self._taken(name)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=self.path))
        except OSError as error:
            raise TagifaiError(f"{self.path}: cannot be written ({_why(error)})") from None
        try:
            (scratch / "new").mkdir()
            for filename, content in files.items():
                with (scratch / "new" / filename).open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            _swap(scratch / "new", target, scratch / "old", replace=name == WORKSPACE)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise self._taken(name) from None
            raise TagifaiError(f"{target}: cannot be written ({_why(error)})") from None
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def check_writable(self, name: str) -> None:
        """Refuse a name or a place that `write` would refuse."""
        check_new_name(name)
        if name != WORKSPACE and (self.path / name).exists():
            raise self._taken(name)
        if self.path.exists() and not self.path.is_dir():
            raise TagifaiError(f"{self.path}: a file, not a folder of versions")
        place = next(one for one in (self.path, *self.path.absolute().parents) if one.exists())
        if not place.is_dir():
            raise TagifaiError(f"{self.path}: cannot be written ({place} is a file)")
        if not os.access(place, os.W_OK | os.X_OK):
            raise TagifaiError(f"{self.path}: cannot be written (no permission for {place})")

    def why_none(self) -> str:
        """Return why no folder here is a version."""
        makes = "`python -m tagifai train` makes the first"
        try:
            entries = [one for one in self.path.iterdir() if one.name[0] not in "._"]
        except OSError:
            return f"there is no such folder; {makes}"
        if (self.path / "performance.json").exists():
            return f"it is a version itself; give the folder around it, {self.path.parent}"
        if (self.path / ".git").exists():
            return f"it is a repository; git:{self.path} reads its tags as versions"
        if any(one.is_symlink() for one in entries):
            return f"links that lead out of it are not followed; {makes}"
        if entries:
            return f"no folder is in it, only files; {makes}"
        return f"the folder is empty; {makes}"

    def _taken(self, name: str) -> TagifaiError:
        return TagifaiError(f"version {name!r} exists in {self.path}; a release is never changed")

    def _file(self, name: str, filename: str) -> Path:
        self._check(name, filename)
        return self.path / name / filename

    def _check(self, name: str, filename: str) -> None:
        if filename not in FILES:
            raise one_of("version file", filename, FILES)
        if not name or name[0] in "._" or len(name) > 255 or _NO_NAME.search(name):
            raise one_of("version", name, self.names())

    def _inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.path.resolve())

    def _digest(self, name: str, filename: str) -> str | None:
        stamp = self.stamp(name, filename)
        known = self._digests.get((name, filename))
        if stamp is not None and known is not None and known[0] == stamp:
            return known[1]
        content = self._read(name, filename)
        if content is None:
            return None
        digest = hashlib.sha256(content).hexdigest()
        assert stamp is None or isinstance(stamp, tuple)
        if stamp is not None and len(stamp) > 3 and time.time_ns() - stamp[3] > _SETTLED_NS:
            self._digests[name, filename] = (stamp, digest)
        return digest


def _read_plain(folder: str, filename: str, most: int) -> bytes | None:
    # A plain file by few calls; None for what needs a closer look: links, pipes, errors.
    if not _NO_FOLLOW:
        return None
    try:
        if stat.S_ISLNK(os.lstat(folder).st_mode):
            return None
        opened = os.open(f"{folder}/{filename}", os.O_RDONLY | os.O_NONBLOCK | _NO_FOLLOW)
    except OSError:
        return None
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            return None
        content = os.read(opened, found.st_size)
        return content if len(content) == found.st_size else None
    except OSError:
        return None
    finally:
        os.close(opened)


def _swap(new: Path, target: Path, old: Path, *, replace: bool) -> None:
    # No rename replaces a full folder, so for a moment there is none; it comes back on failure.
    replaced = replace and target.exists()
    if replaced:
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if replaced:
            old.rename(target)
        raise


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
