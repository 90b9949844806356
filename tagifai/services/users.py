"""Users who may log in: names and hashed passwords in one JSON file, and limits on guessing."""

import asyncio
import hashlib
import hmac
import os
import secrets
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from tagifai.data.validation import check_row
from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.permissions import LOCAL
from tagifai.pointers import refuse_pointer_file
from tagifai.services.turns import CrowdedError, Turns

# OWASP's cheat sheet on password storage: scrypt with 16 MiB, five times over.
COST, BLOCK, PARALLEL = 2**14, 8, 5
MAX_PASSWORD = 1_000
MIN_PASSWORD = 8
MAX_NAME = 64
FREE_TRIES = 5
LONGEST_WAIT = 300.0
LONGEST_LOGIN = 12 * 3600.0
HASHED_AT_ONCE = 2
HASH_SECONDS = 0.25  # until one was hashed
MOST_WAITING = 5
_MAX_FILE = 1_000_000
_NAMES_WATCHED = 10_000


class _Secret(BaseModel):
    model_config = ConfigDict(extra="forbid")

    salt: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{32,128}$")]
    hash: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
    n: Annotated[StrictInt, Field(ge=2**10, le=2**18)]
    r: Annotated[StrictInt, Field(ge=1, le=16)]
    p: Annotated[StrictInt, Field(ge=1, le=16)]


def load_users(path: Path | str) -> dict[str, _Secret]:
    """Read the users of a file, {name: hashed password}.

    Raises
    ------
    TagifaiError
        The file is missing, too large or malformed.
    """
    path = Path(path)
    refuse_pointer_file(path)
    try:
        if path.stat().st_size > _MAX_FILE:
            raise TagifaiError(
                f"{path}: too large for a file of users; at most {_MAX_FILE:,} bytes are read"
            )
        found = orjson.loads(path.read_bytes())
    except OSError as error:
        raise TagifaiError(
            f"{path}: cannot be read ({error.strerror or error}); "
            f"`python -m tagifai users add NAME` makes it"
        ) from None
    except orjson.JSONDecodeError as error:
        raise TagifaiError(f"{path}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise TagifaiError(f"{path}: an object of users by name is needed")
    return {
        name: check_row(f"{path}: {shorten(name)}", row, _Secret) for name, row in found.items()
    }


def set_password(path: Path | str, name: str, password: str) -> bool:
    """Add a user, or change a user's password; return whether the name is new.

    Raises
    ------
    TagifaiError
        A name or password that is not allowed, or the file can't be written.
    """
    path = Path(path)
    check_name(name)
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise TagifaiError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD:,} characters")
    users = load_users(path) if path.exists() else {}
    salt = secrets.token_bytes(16)
    hashed = hash_password(password, salt, COST, BLOCK, PARALLEL).hex()
    secret = _Secret(salt=salt.hex(), hash=hashed, n=COST, r=BLOCK, p=PARALLEL)
    _write(path, {**users, name: secret})
    return name not in users


def remove_user(path: Path | str, name: str) -> None:
    """Remove a user.

    Raises
    ------
    TagifaiError
        There is no such user, or the file cannot be written.
    """
    users = load_users(path)
    if name not in users:
        raise one_of("user", name, users)
    del users[name]
    _write(Path(path), users)


def check_name(name: str) -> None:
    """Check that a user name cannot be mistaken for another, or break a list of names.

    Raises
    ------
    TagifaiError
        The message says what is allowed.
    """
    allowed = name == name.strip() and name.isprintable() and "," not in name
    if not allowed or not 1 <= len(name) <= MAX_NAME:
        raise TagifaiError(
            f"user name {shorten(name)!r}: 1 to {MAX_NAME} printable characters, no comma, no "
            f"space at its ends"
        )
    if name == LOCAL:
        raise TagifaiError(f"user name {LOCAL!r} is whoever sits at the machine; choose another")


def hash_password(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    """Derive 32 bytes from a password by scrypt."""
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=n,
        r=r,
        p=p,
        maxmem=256 * n * r,
        dklen=32,
    )


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login: whose, with which password of theirs, and until when it counts."""

    name: str
    password: str
    until: float


class Logins:
    """Checks passwords and logins against a file of users, which may change meanwhile.

    After `FREE_TRIES` wrong passwords in a row from one address a name has to wait there, twice as
    long each time, at most `LONGEST_WAIT` seconds; elsewhere it does not, so that nobody can keep
    another from logging in. Passwords are hashed in threads of their own, those of each address
    one after another. An unknown name takes about as long as a known one, and no processor.

    Parameters
    ----------
    path : path
        The file of users.
    clock : callable
        Returns seconds.
    """

    def __init__(self, path: Path | str, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = Path(path)
        load_users(self.path)
        self._clock = clock
        self._failed: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._threads = ThreadPoolExecutor(HASHED_AT_ONCE, "password")
        self._turns = Turns(at_once=1, at_once_of_house=1, waiting=MOST_WAITING)
        self._took = HASH_SECONDS
        self._read: tuple[tuple[int, int, int], dict[str, _Secret]] | None = None

    async def check(self, name: str, password: str, address: str = "") -> bool:
        """Return whether name and password match; False while the name has to wait."""
        name = name[: MAX_NAME + 1]
        if self.seconds_to_wait(name, address) > 0 or len(password) > MAX_PASSWORD:
            return False
        secret = self._users().get(name)
        if secret is None:
            await asyncio.sleep(self._took)
            self._count_failure(name, address, known=False)
            return False
        try:
            async with self._turns.turn(address, f"{address} {name}"):
                if self.seconds_to_wait(name, address) > 0:
                    return False
                right = await self._hashed(secret, password)
                if right:
                    self._failed.pop((name, address), None)
                else:
                    self._count_failure(name, address, known=True)
                return right
        except CrowdedError:
            return False

    def begin(self, name: str) -> LoggedIn:
        """Return a login that begins now, after the password was right."""
        secret = self._users().get(name)
        return LoggedIn(name, secret.hash if secret else "", self._clock() + LONGEST_LOGIN)

    def holds(self, login: LoggedIn) -> bool:
        """Check whether a login counts still: no longer once its user or password has gone."""
        secret = self._users().get(login.name)
        return secret is not None and secret.hash == login.password and self._clock() < login.until

    def seconds_to_wait(self, name: str, address: str = "") -> float:
        """Return how long the next try of a name from an address is still refused."""
        tries, until = self._failed.get((name, address), (0, 0.0))
        return max(0.0, until - self._clock()) if tries >= FREE_TRIES else 0.0

    def _count_failure(self, name: str, address: str, known: bool) -> None:
        tries = self._failed.pop((name, address), (0, 0.0))[0] + 1
        # Past the longest wait more tries change nothing.
        wait = min(2.0 ** min(tries - FREE_TRIES, 30), LONGEST_WAIT)
        self._failed[name, address] = (tries, self._clock() + wait)
        # Names that are none must not push out the others.
        self._failed.move_to_end((name, address), last=known)
        while len(self._failed) > _NAMES_WATCHED:
            self._failed.popitem(last=False)

    async def _hashed(self, secret: _Secret, password: str) -> bool:
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._threads, _is_password, secret, password)
        self._took = time.monotonic() - started
        return right

    def _users(self) -> dict[str, _Secret]:
        """Return the users of the file as it is now; nobody while it cannot be read."""
        try:
            found = self.path.stat()
            state = (found.st_ino, found.st_mtime_ns, found.st_size)
            if self._read is None or self._read[0] != state:
                self._read = (state, load_users(self.path))
        except (OSError, TagifaiError):
            return {}
        return self._read[1]


def _is_password(secret: _Secret, password: str) -> bool:
    hashed = hash_password(password, bytes.fromhex(secret.salt), secret.n, secret.r, secret.p)
    return hmac.compare_digest(hashed.hex(), secret.hash)


def _write(path: Path, users: Mapping[str, _Secret]) -> None:
    rows = {name: secret.model_dump() for name, secret in sorted(users.items())}
    content = orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if len(content) > _MAX_FILE:
        raise TagifaiError(f"{path}: full; at most {_MAX_FILE:,} bytes are read")
    scratch = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Readable for its owner alone (0600), and put in place as a whole.
        handle, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).replace(path)
    except OSError as error:
        if scratch:
            Path(scratch).unlink(missing_ok=True)
        raise TagifaiError(f"{path}: cannot be written ({error.strerror or error})") from None
