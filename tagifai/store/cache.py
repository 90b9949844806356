"""Answers cached on disk by the content that they follow from, through joblib.

A cache may only ever cost time: whatever is wrong with it, values are right and at most one
warning is given.
"""

import hashlib
import os
import platform
import re
import shutil
import threading
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import joblib
import orjson
from joblib.memory import MemorizedFunc

PACKAGE = Path(__file__).parent.parent
LIBRARIES = ("numpy", "scikit-learn", "pandas", "nltk", "icu4py")
MAX_BYTES = 256 * 2**20
MAX_ITEMS = 5_000
_WRITES_BETWEEN_SWEEPS = 200
_OURS = re.compile(r"code-[0-9a-f]{16}")


def digest_code(package: Path = PACKAGE) -> str:
    """Digest the package's source and data files, and the versions of what computes with them."""
    digest = hashlib.sha256(platform.python_version().encode())
    for library in LIBRARIES:
        digest.update(f"{library}={_version(library)}\n".encode())
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".json", ".txt") and path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(package).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def open_memory(cache_dir: Path | str | None, package: Path = PACKAGE) -> joblib.Memory:
    """Open a store below `cache_dir` that belongs to this very code; None stores nothing.

    The folder is for its owner alone, since reading a stored answer trusts it. What older code
    stored is removed, except the latest before this. Where the folder cannot be used, one
    warning says why and nothing is stored.
    """
    if cache_dir is None:
        return joblib.Memory(None, verbose=0)
    cache_dir = Path(cache_dir)
    location = cache_dir / f"code-{digest_code(package)[:16]}"
    try:
        location.mkdir(parents=True, exist_ok=True)
        for folder in (cache_dir, location):
            if hasattr(os, "geteuid") and folder.stat().st_uid != os.geteuid():
                raise PermissionError(f"{folder} belongs to another user")
        location.chmod(0o700)
        (location / "joblib").mkdir(exist_ok=True)
        os.utime(location)
    except (OSError, ValueError) as error:
        _warn(f"nothing is cached: {error}")
        return joblib.Memory(None, verbose=0)
    _remove_stale(cache_dir, location)
    # ContentCache says the same, once instead of at each answer.
    warnings.filterwarnings("ignore", "Unable to cache to disk", module="joblib")
    return joblib.Memory(location, verbose=0)


class ContentCache:
    """A cache of JSON answers by a key of content digests.

    >>> cache = ContentCache(open_memory(None))
    >>> cache.remember(("square", "digest of 3"), lambda: 3 * 3)
    9
    """

    def __init__(
        self, memory: joblib.Memory, max_bytes: int = MAX_BYTES, max_items: int = MAX_ITEMS
    ) -> None:
        self.memory = memory
        self.max_bytes = max_bytes
        self.max_items = max_items
        self._writes = 0
        self._warned = False
        self._lock = threading.Lock()
        self._sweep()

    def remember(self, key: tuple[str, ...], compute: Callable[[], object]) -> Any:
        """Return what `compute` returned for this key before, or call it.

        Parameters
        ----------
        key : tuple of str
            All that the answer depends on besides the code: what is asked, digests of the
            content, settings.
        compute : callable
            Returns plain data. Its errors are passed on.

        Returns
        -------
        object
            The data as JSON has it (a tuple as a list), on the first call, too.
        """
        if self.memory.store_backend is None:
            return orjson.loads(_packed(compute()))
        fresh: list[bytes] = []
        failures: list[BaseException] = []

        def seal() -> bytes:
            try:
                fresh.append(_packed(compute()))
            except BaseException as error:
                failures.append(error)
                raise
            return _seal(key, fresh[0])

        try:
            stored = self.memory.cache(_stored, ignore=["seal"])
            content = self._ask(stored, key, seal)
        except Exception as error:
            if failures:
                raise
            self._warn_once(f"the cache in {self.memory.location} is not used: {error!r}")
            content = None
        if fresh:
            self._count_write()
            return orjson.loads(fresh[0])
        return orjson.loads(_packed(compute()) if content is None else content)

    def _ask(
        self, stored: MemorizedFunc, key: tuple[str, ...], seal: Callable[[], bytes]
    ) -> bytes | None:
        result = stored.call_and_shelve(key, seal)
        try:
            content = _unseal(key, result.get())
        except Exception:
            content = None
        if content is None:
            # Damaged, or never written: the place is made free for the next time.
            result.clear()
            self._warn_once(f"the cache in {self.memory.location} lost or damaged an answer")
        return content

    def _count_write(self) -> None:
        with self._lock:
            self._writes += 1
            due = self._writes % _WRITES_BETWEEN_SWEEPS == 0
        if due:
            self._sweep()

    def _sweep(self) -> None:
        if self.memory.store_backend is None:
            return
        try:
            self.memory.reduce_size(bytes_limit=self.max_bytes, items_limit=self.max_items)
        except Exception as error:
            self._warn_once(f"the cache in {self.memory.location} cannot be swept: {error!r}")

    def _warn_once(self, message: str) -> None:
        with self._lock:
            first, self._warned = not self._warned, True
        if first:
            _warn(message)


def _stored(key: tuple[str, ...], seal: Callable[[], bytes]) -> bytes:
    return seal()


def _packed(answer: object) -> bytes:
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def _seal(key: tuple[str, ...], content: bytes) -> bytes:
    # joblib notices neither a flipped bit nor two answers changing places.
    return hashlib.sha256(repr(key).encode() + content).digest() + content


def _unseal(key: tuple[str, ...], sealed: object) -> bytes | None:
    if not isinstance(sealed, bytes):
        return None
    content = sealed[32:]
    return content if _seal(key, content) == sealed else None


def _remove_stale(cache_dir: Path, location: Path) -> None:
    others = [p for p in cache_dir.glob("code-*") if _OURS.fullmatch(p.name) and p != location]
    try:
        others.sort(key=lambda path: path.stat().st_mtime_ns)
    except FileNotFoundError:
        return  # another process is at it
    for path in others[:-1]:
        shutil.rmtree(path, ignore_errors=True)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=3)
