"""Where the app runs: whether on a Space of Hugging Face, and on a disk that lasts."""

import os
import tempfile
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

EVERYWHERE = "0.0.0.0"  # noqa: S104 - a Space is reached through its proxy alone


@dataclass(frozen=True, slots=True)
class Space:
    """A Space on Hugging Face: its name, and whether visitors log in with their account there."""

    name: str
    login: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Space | None":
        """Read what Spaces tell of themselves; None where this is none.

        >>> Space.of({"SYSTEM": "spaces", "SPACE_ID": "ann/tags", "OAUTH_CLIENT_ID": "x"})
        Space(name='ann/tags', login=True)
        """
        name = environment.get("SPACE_ID", "")
        if environment.get("SYSTEM") != "spaces" or not name:
            return None
        return cls(name, bool(environment.get("OAUTH_CLIENT_ID")))


def stay_offline(environment: MutableMapping[str, str]) -> None:
    """Keep libraries from asking outside hosts of their own accord; before gradio is imported."""
    environment.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    environment.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    environment.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def is_writable(folder: Path) -> bool:
    """Check whether a file can be made in a folder, or where the folder would be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        # Permissions alone don't tell: a disk may be mounted for reading.
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def lasts(folder: Path) -> bool:
    """Check whether a folder lies on a disk of its own, which outlives a container."""
    folder = folder.resolve()
    while not os.path.ismount(folder):
        folder = folder.parent
    return folder != folder.parent


def warn_of_disk(reviews: Path, space: Space | None, repository: str = "") -> str:
    """Describe in one line what becomes of the reviews on this disk; "" if nothing is amiss."""
    if not is_writable(reviews.parent):
        return f"{reviews.parent} cannot be written: reviews are off (--reviews names another file)"
    if space is None or repository or lasts(reviews.parent):
        return ""
    return (
        "this Space forgets its disk when it restarts: reviews vanish with it, unless they are "
        "saved from the page or sent to a dataset (--reviews-repo)"
    )
