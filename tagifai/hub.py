"""Repositories of the Hugging Face Hub: how they are written, and what its errors mean."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tagifai.errors import TagifaiError, shorten

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PREFIX = "hf:"
# A revision may be a branch, a tag, a commit, or a ref such as refs/convert/parquet.
_NAME = re.compile(
    r"(\w[\w.-]{0,95}/\w[\w.-]{0,95})(?:@([\w.+-]{1,100}(?:/[\w.+-]{1,100}){0,5}))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class HubName:
    """A repository, and the revision of it that was asked for ("" for the latest).

    >>> str(HubName("ann/tags", "v1")), str(HubName("ann/tags"))
    ('hf:ann/tags@v1', 'hf:ann/tags')
    """

    repository: str
    revision: str = ""

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}" + (f"@{self.revision}" if self.revision else "")

    @property
    def file_stem(self) -> str:
        """The repository as a part of a file's name."""
        return self.repository.replace("/", "--")


def parse_hub_name(text: str) -> HubName:
    """Read `ORG/NAME` or `ORG/NAME@REVISION`.

    Raises
    ------
    TagifaiError
        It is neither.
    """
    found = _NAME.fullmatch(text)
    if found is None or ".." in text:
        raise TagifaiError(
            f"{PREFIX}{shorten(text)}: a repository of the Hub is written hf:ORG/NAME, or "
            f"hf:ORG/NAME@REVISION"
        )
    return HubName(found[1], found[2] or "")


def is_on_hub(data: Path | str) -> bool:
    """Check whether a setting names a repository of the Hub and not a folder.

    >>> is_on_hub("hf:ann/tags"), is_on_hub(Path("data"))
    (True, False)
    """
    return str(data).startswith(PREFIX)


def hub_name_of(data: Path | str) -> HubName:
    """Return the repository that a setting names, for which `is_on_hub` holds.

    Raises
    ------
    TagifaiError
        What follows `hf:` is no name of a repository.
    """
    return parse_hub_name(Path(data).as_posix().removeprefix(PREFIX))


def hub_api() -> "HfApi":
    """Return the Hub's client; the token of the environment (HF_TOKEN) goes along."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=hub_endpoint())


def hub_endpoint() -> str | None:
    """Return the address of another Hub than the public one, from HF_ENDPOINT."""
    return os.environ.get("HF_ENDPOINT") or None


def hub_cache() -> Path:
    """Return the folder of the Hub's cache."""
    from huggingface_hub import constants

    return Path(os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE)


def is_unreachable(error: Exception) -> bool:
    """Check whether an error of the client means that the Hub does not answer."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    # The client is httpx or its successor, by the version of huggingface_hub.
    transport = any(kind.__name__ == "TransportError" for kind in type(error).__mro__)
    status = getattr(getattr(error, "response", None), "status_code", 0)
    kinds = (LocalEntryNotFoundError, ConnectionError, TimeoutError)
    return transport or isinstance(error, kinds) or (isinstance(status, int) and status >= 500)


def hub_error(error: Exception, where: str) -> TagifaiError:
    """Return an error of the client in one line that starts with `where`."""
    from huggingface_hub import errors

    if isinstance(error, TagifaiError):
        return error
    if isinstance(error, errors.GatedRepoError):
        what = "the repository is gated: accept its terms on the Hub, and set HF_TOKEN"
    elif isinstance(error, errors.RepositoryNotFoundError):
        what = "no such repository, or a private one: HF_TOKEN must be a token that may read it"
    elif isinstance(error, errors.RevisionNotFoundError):
        what = "the repository has no such revision"
    elif is_unreachable(error):
        what = "the Hub cannot be reached, and what is needed is not in its cache"
    else:
        what = shorten(str(error).strip().partition("\n")[0] or type(error).__name__, 200)
    return TagifaiError(f"{where}: {what}")
