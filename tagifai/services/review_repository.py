"""Reviews in a dataset on Hugging Face, so that they outlive the disk of a Space."""

import re
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tagifai.errors import TagifaiError, shorten
from tagifai.reviews.files import export_reviews, read_reviews
from tagifai.services.reviews import ReviewService
from tagifai.settings import Settings
from tagifai.spaces import Space, warn_of_disk

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, CommitScheduler

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
    """A copy of the reviews in a dataset on Hugging Face.

    It downloads the reviews that the dataset has, then uploads the new ones every few minutes.
    Each run of the app writes a file of its own, `reviews/<start>-<number>.jsonl`, so that two
    runs never overwrite each other's; all files together are all reviews. The first upload
    creates the dataset, as a private one, where there is none.

    Parameters
    ----------
    name : str
        The dataset, such as "ann/reviews".
    reviews : ReviewService
        Where the reviews are.
    say : callable
        Called with a line for whoever runs the app.
    minutes : float
        Time between two uploads.

    Raises
    ------
    TagifaiError
        `name` is not the name of a dataset.
    """

    def __init__(
        self, name: str, reviews: ReviewService, *, say: Say, minutes: float = MINUTES
    ) -> None:
        if not _NAME.fullmatch(name):
            raise TagifaiError(
                f"--reviews-repo: a dataset as ann/reviews is needed, got {shorten(name)!r}"
            )
        self.name = name
        self.reviews = reviews
        self.minutes = minutes
        self.folder = Path(tempfile.mkdtemp(prefix="tagifai-reviews-"))
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self.file = self.folder / "new" / f"{started}-{uuid.uuid4().hex[:8]}.jsonl"
        self.problem = ""
        self._say = say
        self._arrived: frozenset[str] = frozenset()

    def start(self) -> None:
        """Download and upload in the background; a failure is reported once, and tried again."""
        threading.Thread(target=self._run, daemon=True).start()

    def write(self) -> None:
        """Write this run's reviews to the file that is uploaded, if there are any."""
        new = [event for event in self.reviews.events() if event.uid not in self._arrived]
        text = export_reviews(new, "jsonl").encode()
        if new and not (self.file.exists() and self.file.read_bytes() == text):
            self.file.parent.mkdir(exist_ok=True)
            self.file.write_bytes(text)

    def report(self, error: Exception | None) -> None:
        """Remember why the reviews could not be uploaded, and report it when it changes."""
        problem = shorten(" ".join(str(error).split()), 200) if error else ""
        if problem and problem != self.problem:
            self._say(f"reviews were not sent to {self.name}: {problem}; they are tried again")
        self.problem = problem

    def _run(self) -> None:
        while True:
            try:
                num_downloaded = self._download()
                self._upload()
            except Exception as error:  # the network, the hub, the token: each may recover
                self.report(error)
                time.sleep(self.minutes * 60)
                continue
            self.report(None)
            self._say(
                f"reviews are kept in the dataset {self.name}; {num_downloaded:,} brought from it"
            )
            return

    def _download(self) -> int:
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
        return self.reviews.store().merge(reviews) if reviews else 0

    def _upload(self) -> "CommitScheduler":
        from huggingface_hub import CommitScheduler, get_token

        if not get_token():
            raise TagifaiError("a token that may write is needed in HF_TOKEN")
        repository = self

        class Scheduler(CommitScheduler):
            def push_to_hub(self) -> "CommitInfo | None":
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
