"""Reviews in a dataset on Hugging Face, so that they outlive the disk of a Space."""

import re
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagifai.errors import TagifaiError, shorten
from tagifai.reviews.files import export_reviews, read_reviews
from tagifai.services.reviews import ReviewDesk
from tagifai.settings import Settings
from tagifai.spaces import Space, warn_of_disk

if TYPE_CHECKING:
    from huggingface_hub import CommitScheduler

MINUTES = 5.0
FOLDER = "reviews"
_NAME = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}")
Say = Callable[[str], None]


def warn_of_reviews(
    settings: Settings, space: Space | None, repository: "ReviewRepository | None" = None
) -> str:
    """Return what happens to the reviews where that is not what a reviewer expects, or ""."""
    if repository and repository.problem:
        return f"reviews are not sent to {repository.name}: {repository.problem}"
    return warn_of_disk(settings.reviews_file, space, settings.reviews_repo)


class ReviewRepository:
    """Brings the reviews that a dataset keeps, then sends it the new ones every few minutes.

    Each run of the app writes one file of its own, `reviews/<start>-<number>.jsonl`, so that
    two never overwrite each other's; all files together are all reviews. The first upload makes
    the dataset, private, where there is none.

    Raises:
        TagifaiError: `name` is no name of a dataset.
    """

    def __init__(self, name: str, desk: ReviewDesk, *, say: Say, minutes: float = MINUTES) -> None:
        if not _NAME.fullmatch(name):
            raise TagifaiError(
                f"--reviews-repo: a dataset as ann/reviews is needed, got {shorten(name)!r}"
            )
        self.name = name
        self.desk = desk
        self.minutes = minutes
        self.folder = Path(tempfile.mkdtemp(prefix="tagifai-reviews-"))
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self.file = self.folder / "new" / f"{started}-{uuid.uuid4().hex[:8]}.jsonl"
        self.problem = ""
        self._say = say
        self._arrived: frozenset[str] = frozenset()

    def start(self) -> None:
        """Bring and send in the background; what fails is said once, and tried again."""
        threading.Thread(target=self._run, daemon=True).start()

    def write(self) -> None:
        """Write this run's reviews to the file that is sent; none: no file."""
        new = [event for event in self.desk.events() if event.uid not in self._arrived]
        text = export_reviews(new, "jsonl").encode()
        if new and not (self.file.exists() and self.file.read_bytes() == text):
            self.file.parent.mkdir(exist_ok=True)
            self.file.write_bytes(text)

    def report(self, error: Exception | None) -> None:
        """Remember what keeps the reviews from being sent, and say it when it changes."""
        told = shorten(" ".join(str(error).split()), 200) if error else ""
        if told and told != self.problem:
            self._say(f"reviews were not sent to {self.name}: {told}; they are tried again")
        self.problem = told

    def _run(self) -> None:
        while True:
            try:
                brought = self._bring()
                self._send()
            except Exception as error:  # the network, the hub, the token: each may mend itself
                self.report(error)
                time.sleep(self.minutes * 60)
                continue
            self.report(None)
            self._say(f"reviews are kept in the dataset {self.name}; {brought:,} brought from it")
            return

    def _bring(self) -> int:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            HfApi().snapshot_download(
                self.name,
                repo_type="dataset",
                allow_patterns=f"{FOLDER}/*.jsonl",
                local_dir=self.folder / "arrived",
            )
        except RepositoryNotFoundError:
            return 0
        reviews = [
            review
            for path in sorted((self.folder / "arrived" / FOLDER).glob("*.jsonl"))
            for review in read_reviews(
                path.read_bytes(), "jsonl", f"{self.name}/{path.name}"
            ).reviews
        ]
        self._arrived = frozenset(review.uid for review in reviews)
        return self.desk.store().merge(reviews) if reviews else 0

    def _send(self) -> "CommitScheduler":
        from huggingface_hub import CommitScheduler, get_token

        if not get_token():
            raise TagifaiError("a token that may write is needed in HF_TOKEN")
        repository = self

        class Scheduler(CommitScheduler):
            def push_to_hub(self) -> Any:
                try:
                    repository.write()
                    pushed = super().push_to_hub()
                except Exception as error:
                    repository.report(error)
                    raise
                repository.report(None)
                return pushed

        self.file.parent.mkdir(exist_ok=True)
        return Scheduler(
            repo_id=self.name,
            repo_type="dataset",
            folder_path=self.file.parent,
            path_in_repo=FOLDER,
            private=True,
            every=self.minutes,
        )
