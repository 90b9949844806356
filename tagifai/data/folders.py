"""Write a new folder of files: all of it is there at the end, or none of it."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tagifai.errors import TagifaiError

TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
"""Errors of a rename that say that something is there already."""


@contextmanager
def scratch_folder(to: Path) -> Iterator[Path]:
    """Yield an empty folder beside `to`, for files that are to be moved there.

    What is left of it in the end is removed.

    Raises
    ------
    TagifaiError
        `to` cannot be written.
    """
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to.parent))
    except OSError as error:
        message = f"{to.parent}: cannot be written ({error.strerror or error})"
        raise TagifaiError(message) from None
    try:
        folder = scratch / "new"  # the scratch folder itself is closed to others
        folder.mkdir()
        yield folder
    except OSError as error:
        raise TagifaiError(f"{to}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file, and wait until it is on the disk."""
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def put_into_place(folder: Path, to: Path, names: Sequence[str]) -> None:
    """Move a folder to where none is, or files of it into the folder that is there.

    Raises
    ------
    TagifaiError
        One of them has come up there meanwhile, and stays; then nothing is moved.
    """
    if not to.is_dir():
        try:
            folder.rename(to)
        except OSError as error:
            if error.errno not in TAKEN:
                raise
            raise TagifaiError(f"{to}: came up meanwhile, and stays as it is") from None
        return
    done: list[Path] = []
    try:
        for name in names:
            os.link(folder / name, to / name)  # which never replaces a file
            done.append(to / name)
    except OSError as error:
        for path in done:
            path.unlink()
        if error.errno == errno.EEXIST:
            raise TagifaiError(f"{to / name}: came up meanwhile, and stays as it is") from None
        raise
