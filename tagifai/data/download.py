"""Fetch the Made With ML projects, a public data set: whole and checked, or not at all."""

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tagifai.data.config import CONFIG_FILE
from tagifai.data.folders import TAKEN, scratch_folder, write_file
from tagifai.errors import TagifaiError

COMMIT = "65c10d2f71a89dbdade17ce592927665b39fc681"
BASE_URL = f"https://raw.githubusercontent.com/GokuMohandas/Made-With-ML/{COMMIT}/datasets/"
# Answers that may be better a moment later; any other but 200 stays what it is.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

Progress = Callable[[int, int, str], None]

# The course left these tags out, so figures of its data compare only where they are left out too.
MADE_WITH_ML_CONFIG = """\
# Tags that the course "Made With ML" left out: too broad to tell projects apart, or names of tools.
excluded = [
  "machine-learning",
  "deep-learning",
  "data-science",
  "neural-networks",
  "python",
  "r",
  "visualization",
  "wandb",
]
"""


@dataclass(frozen=True)
class PinnedFile:
    """A file whose size and digest are known before it is downloaded."""

    name: str
    size: int
    sha256: str


MADE_WITH_ML = (
    PinnedFile(
        "projects.json", 903_816, "dad8389847b440a8e1d7538aeb831cb1cbfe5e90fc290a1cb619de624caa73e0"
    ),
    PinnedFile(
        "tags.json", 48_281, "609171cd43a6466b7a2aa82bd25fc5a55755d5ba6e52e0981f81f7c73ee4e9aa"
    ),
)


def download_projects(
    to: Path | str,
    *,
    base_url: str = BASE_URL,
    files: Sequence[PinnedFile] = MADE_WITH_ML,
    config: str = MADE_WITH_ML_CONFIG,
    progress: Progress | None = None,
    timeout: float = 15.0,
    deadline: float = 300.0,
    retries: int = 3,
    backoff: float = 1.0,
) -> Path:
    """Download files into a new folder, all of them or none.

    Parameters
    ----------
    to : Path or str
        The folder, which must not be there yet. It appears once every file has the size and
        SHA-256 that are pinned.
    base_url : str
        What the names of the files are added to.
    files : sequence of PinnedFile
        The files.
    config : str
        What is written as `data.toml` beside them; "" for no such file.
    progress : callable, optional
        Called with the bytes done, the bytes in all and a file's name. The bytes done decrease
        where a file is begun again.
    timeout, deadline : float
        The longest silence of the server, and the longest time for everything, in seconds.
    retries : int
        How often a failure that may pass is tried again: no connection, one that is cut or
        silent, or an error of the server.
    backoff : float
        Seconds before the first of these attempts; twice as many before each other one.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    TagifaiError
        `to` exists or cannot be written, there is no network, the server fails, or the bytes are
        others than those pinned. What was there before stays as it was.
    """
    to = Path(to)
    if os.path.lexists(to):
        raise _taken(to)
    patience = _Patience(timeout, time.monotonic() + deadline, deadline, retries, backoff)
    contents = _fetch_all(base_url, files, patience, progress)
    if config:
        contents[CONFIG_FILE] = config.encode()
    _put_into_place(to, contents)
    return to


def _fetch_all(
    base_url: str,
    files: Sequence[PinnedFile],
    patience: "_Patience",
    progress: Progress | None,
) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    total = sum(file.size for file in files)
    try:
        # As the bytes are, unpacked by nobody: what is pinned is the file itself.
        client = httpx.Client(timeout=patience.timeout, headers={"Accept-Encoding": "identity"})
    except (ImportError, ValueError, OSError) as error:
        raise TagifaiError(f"no connection can be made: {error}; see HTTPS_PROXY") from None
    with client:
        for file in files:
            before = sum(map(len, contents.values()))

            def report(done: int, name: str = file.name, before: int = before) -> None:
                if progress is not None:
                    progress(before + done, total, name)

            url = base_url.rstrip("/") + "/" + file.name
            contents[file.name] = _fetch(client, url, file, patience, report)
    return contents


@dataclass(frozen=True)
class _Patience:
    timeout: float
    ends: float
    deadline: float
    retries: int
    backoff: float

    def check(self, url: str) -> None:
        if time.monotonic() > self.ends:
            raise TagifaiError(
                f"{url}: not finished after {self.deadline:g} seconds; nothing was written"
            )


class _PassingError(Exception):
    """A failure that another attempt may mend."""


def _fetch(
    client: httpx.Client,
    url: str,
    file: PinnedFile,
    patience: _Patience,
    report: Callable[[int], None],
) -> bytes:
    attempts = patience.retries + 1
    for attempt in range(attempts):
        try:
            return _fetch_once(client, url, file, patience, report)
        except _PassingError as error:
            last = str(error)
        if attempt < patience.retries:
            pause = patience.backoff * 2**attempt
            time.sleep(max(0.0, min(pause, patience.ends - time.monotonic())))
            patience.check(url)
    tried = "tried once" if attempts == 1 else f"tried {attempts} times"
    raise TagifaiError(f"{url}: {last}; {tried}, nothing was written")


def _fetch_once(
    client: httpx.Client,
    url: str,
    file: PinnedFile,
    patience: _Patience,
    report: Callable[[int], None],
) -> bytes:
    content = bytearray()
    report(0)
    try:
        with client.stream("GET", url) as response:
            if response.status_code in PASSING:
                raise _PassingError(f"the server answered {_status(response)}")
            if response.status_code != httpx.codes.OK:
                raise TagifaiError(
                    f"{url}: the server answered {_status(response)}, 200 is needed; "
                    f"nothing was written"
                )
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > file.size:
                    raise TagifaiError(
                        f"{url}: more than the {file.size:,} bytes of {file.name}; "
                        f"nothing was written"
                    )
                patience.check(url)
                report(len(content))
    except httpx.TimeoutException:
        raise _PassingError(f"no answer within {patience.timeout:g} seconds") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise TagifaiError(f"{url}: no address to download from: {error}") from None
    except httpx.RemoteProtocolError:
        raise _PassingError(
            f"the connection was cut after {len(content):,} of {file.size:,} bytes"
        ) from None
    except httpx.HTTPError as error:
        raise _PassingError(f"cannot be reached ({error})") from None
    if len(content) < file.size:
        raise _PassingError(f"ended after {len(content):,} of {file.size:,} bytes")
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise TagifaiError(
            f"{url}: other bytes than those pinned: SHA-256 {file.sha256} is needed, "
            f"got {digest}; nothing was written"
        )
    return bytes(content)


def _put_into_place(to: Path, contents: Mapping[str, bytes]) -> None:
    with scratch_folder(to) as folder:
        for name, content in contents.items():
            write_file(folder / name, [content])
        try:
            folder.rename(to)
        except OSError as error:
            if error.errno not in TAKEN:
                raise
            raise _taken(to) from None


def _taken(to: Path) -> TagifaiError:
    return TagifaiError(f"{to} exists and stays as it is; name a folder that isn't there yet")


def _status(response: httpx.Response) -> str:
    return f"{response.status_code} {response.reason_phrase}".strip()
