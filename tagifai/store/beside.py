"""Files beside a version's `predictor.json`, taken to a cache from homes that are no folders."""

import hashlib
import os
import posixpath
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from tagifai.errors import TagifaiError, counted, shorten
from tagifai.store.sources import FILES, VersionSource

MAX_FILES = 10_000
MAX_PATH, MAX_PART = 1_000, 255
_ABANDONED_S = 24 * 3600
_FORBIDDEN = frozenset('\\:\0<>|*?"') if os.name == "nt" else frozenset("\0")


@dataclass(frozen=True, slots=True)
class FileBeside:
    """A plain file at or below a version's folder.

    Attributes
    ----------
    digest : str
        What the home calls its content: it changes when the content does.
    size : int
        In bytes, as the home states it; of a Git LFS pointer, the pointer's.
    """

    digest: str
    size: int


@runtime_checkable
class FileHome(VersionSource, Protocol):
    """A home of versions that is no folder of this disk, and can copy what lies beside them."""

    def list_beside(self, name: str) -> Mapping[str, FileBeside]:
        """Return the plain files of a version's folder by their path from it; no links."""

    def copy_beside(self, name: str, path: str, to: Path, most: int) -> None:
        """Copy one of these files.

        Raises
        ------
        TagifaiError
            It has more than `most` bytes, or cannot be read.
        """


def find_beside(
    home: FileHome, name: str, place: str, wanted: Callable[[str], bool] = lambda path: True
) -> dict[str, FileBeside]:
    """Return the files at a relative path: the one there, or those below it.

    Parameters
    ----------
    home : FileHome
        The home of the version.
    name : str
        The version.
    place : str
        A path from the version's folder; "." is the folder itself.
    wanted : callable
        Which files below a folder are of use; the version's own small files never are.

    Raises
    ------
    TagifaiError
        The path leaves the folder, or the version is unknown.
    """
    path = posixpath.normpath(place)
    if path.startswith(("/", "../")) or path == "..":
        raise TagifaiError(f"{shorten(place)!r} leaves the version's folder")
    files = home.list_beside(name)
    if path in files:
        return {path: files[path]}
    below = "" if path == "." else f"{path}/"
    own = set(FILES) if path == "." else set()
    return {
        one: found
        for one, found in files.items()
        if one.startswith(below) and one not in own and wanted(one)
    }


def digest_beside(found: Mapping[str, FileBeside]) -> str:
    """Return a digest that changes with the name or the content of any of the files."""
    listed = sorted((path, one.digest, one.size) for path, one in found.items())
    return hashlib.sha256(repr(listed).encode("utf-8", "replace")).hexdigest()


def take_beside(
    home: FileHome, name: str, found: Mapping[str, FileBeside], cache_folder: Path
) -> Path:
    """Return a folder that stands for the version's, with these files in it.

    It is copied once for the same content. All files together are held to the limit of downloads;
    once the folders taken are larger than that, those longest unused are removed.

    Raises
    ------
    TagifaiError
        Too many files or bytes, a name that could lead elsewhere, or a file that cannot be copied.
    """
    where, most = f"{home.location}: {name}", home.limits.download.num_bytes
    if len(found) > MAX_FILES:
        raise TagifaiError(f"{where}: {counted(len(found), 'file')}; at most {MAX_FILES:,}")
    _check_paths(found, where)
    check_room(sum(one.size for one in found.values()), most, home, name)
    place = cache_folder / "predictors"
    folder = place / digest_beside(found)[:32]
    try:
        _open_place(place)
        if not folder.is_dir():
            scratch = Path(tempfile.mkdtemp(prefix=".", dir=place))
            try:
                _copy(home, name, found, scratch)
                with suppress(OSError):  # another process was faster
                    scratch.rename(folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            _sweep(place, folder, most)
        os.utime(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise TagifaiError(f"{place}: cannot be written ({reason})") from None
    return folder


def check_room(num_bytes: int, room: int, home: VersionSource, name: str) -> None:
    """Refuse files that have more bytes than there is room for.

    Raises
    ------
    TagifaiError
        The message names the version and the setting.
    """
    if num_bytes > room:
        raise TagifaiError(
            f"{home.location}: {name}: the files of its predictor have more bytes than the "
            f"{home.limits.download} that are fetched"
        )


def _copy(home: FileHome, name: str, found: Mapping[str, FileBeside], scratch: Path) -> None:
    left = home.limits.download.num_bytes
    for path in sorted(found):
        target = scratch / path
        target.parent.mkdir(parents=True, exist_ok=True)
        home.copy_beside(name, path, target, left)
        left -= target.stat().st_size
        check_room(0, left, home, name)


def _check_paths(paths: Iterable[str], where: str) -> None:
    for path in paths:
        parts = path.split("/")
        fine = len(path) <= MAX_PATH and all(
            part not in ("", ".", "..")
            and len(part.encode("utf-8", "replace")) <= MAX_PART
            and not _FORBIDDEN & set(part)
            for part in parts
        )
        if not fine:
            raise TagifaiError(f"{where}: a file's name is not safe here: {shorten(path)!r}")


def _open_place(place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    if hasattr(os, "geteuid") and place.stat().st_uid != os.geteuid():
        raise PermissionError(f"{place} belongs to another user")
    place.chmod(0o700)


def _sweep(place: Path, kept: Path, most: int) -> None:
    """Remove folders longest unused until all have at most `most` bytes, and abandoned scratch."""
    total = 0
    for folder in sorted(place.iterdir(), key=_used, reverse=True):
        if folder.name.startswith("."):
            if time.time() - _used(folder) > _ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)
            continue
        total += sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
        if total > most and folder != kept:
            shutil.rmtree(folder, ignore_errors=True)


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
