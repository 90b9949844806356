"""Git LFS pointers: the few lines that stand in for a large file until it is fetched."""

import re
from dataclasses import dataclass
from pathlib import Path

from tagifai.errors import TagifaiError

_HEAD = b"version https://git-lfs.github.com/spec/v1"
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\r?\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:([0-9a-f]{64})\r?\nsize ([0-9]{1,18})\s*"
)
# Git LFS itself takes nothing longer for a pointer.
MAX_POINTER = 1024


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a pointer says of its file: the SHA-256 of its content, and its size in bytes."""

    sha256: str
    size: int


def read_pointer(content: bytes) -> Pointer | None:
    """Read a Git LFS pointer; None where `content` is none.

    >>> read_pointer(b"version https://git-lfs.github.com/spec/v1\\noid sha256:" + b"0" * 64
    ...              + b"\\nsize 12\\n").size
    12
    """
    if not content.startswith(_HEAD) or len(content) > MAX_POINTER:
        return None
    found = _POINTER.fullmatch(content)
    return Pointer(found[1].decode(), int(found[2])) if found else None


def refuse_pointer(content: bytes, where: str) -> None:
    """Refuse a Git LFS pointer in place of a file.

    Raises
    ------
    TagifaiError
        `content` is one; the message starts with `where` and says how to get the file.
    """
    pointer = read_pointer(content)
    if pointer is not None:
        raise TagifaiError(
            f"{where}: a Git LFS pointer, not the file itself ({pointer.size:,} bytes): "
            f"`git lfs pull` in its repository fetches it"
        )


def refuse_pointer_file(path: Path) -> None:
    """Refuse a file that is a Git LFS pointer; one that cannot be opened is no matter here.

    Raises
    ------
    TagifaiError
        The file is a pointer.
    """
    try:
        with path.open("rb") as file:
            head = file.read(MAX_POINTER + 1)
    except OSError:
        return
    refuse_pointer(head, str(path))
