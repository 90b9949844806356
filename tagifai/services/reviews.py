"""Suspected label errors and the reviews of them, as page, API and command line ask for them."""

import threading
from collections.abc import Hashable
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote

import numpy as np

from tagifai.arrays import Integers
from tagifai.data import known_tags
from tagifai.data.names import refuse_unknown_tags
from tagifai.errors import TagifaiError, counted, one_of, shorten
from tagifai.hub import hub_name_of, is_on_hub
from tagifai.label_errors.label_issues import (
    LabelIssue,
    Suspicions,
    describe_issues,
    issue_pairs,
    suspect_labels,
)
from tagifai.permissions import Visit, WriteRules
from tagifai.reviews import Review, ReviewStore
from tagifai.reviews.files import export_reviews
from tagifai.reviews.queues import (
    Pair,
    QueueChoice,
    QueuedPair,
    Verdicts,
    first_below,
    in_state,
    name_places,
    place_of,
)
from tagifai.reviews.verdicts import (
    Preview,
    accepted_changes,
    preview_changes,
    reach_verdicts,
)
from tagifai.selection import Paged, column_of, describe_decisions, describe_in_sample, paged
from tagifai.services.versions import VersionService
from tagifai.settings import Settings
from tagifai.store.memory_cache import MemoryCache


@dataclass(frozen=True, slots=True)
class PairDescription:
    """A pair with all its evidence, as somebody who reviews it needs it.

    Parameters
    ----------
    issue : LabelIssue
        The pair and its evidence.
    text : str
        The project's text.
    marks : tuple of (int, int)
        Start and stop of each place where the text contains the name that was found.
    tags : tuple of str
        The project's tags in the data now.
    status : str
        Of the pair's `Verdict`; "" without a review.
    reviews : tuple of Review
        The latest of each reviewer.
    data_digest : str
        Of the data that is described.
    """

    issue: LabelIssue
    text: str
    marks: tuple[tuple[int, int], ...]
    tags: tuple[str, ...]
    status: str
    reviews: tuple[Review, ...]
    data_digest: str

    def to_json(self) -> dict[str, object]:
        """Return what the API answers: the fields of the issue and these, in one object."""
        return {
            **asdict(self.issue),
            "text": self.text,
            "marks": self.marks,
            "tags": self.tags,
            "status": self.status,
            "reviews": [review.to_dict() for review in self.reviews],
            "data_digest": self.data_digest,
        }


class ReviewService:
    """Queues of suspicious pairs, and people's decisions on them, in one file.

    Parameters
    ----------
    versions : VersionService
        The versions whose predictions are looked at.
    path : Path
        The file of the reviews, made when the first review is written.
    rules : WriteRules, optional
        Who may write; by default somebody at the machine itself.
    """

    def __init__(
        self, versions: VersionService, path: Path, rules: WriteRules | None = None
    ) -> None:
        self.versions = versions
        self.path = path
        self.rules = rules or WriteRules()
        self._suspicions = MemoryCache(4)
        self._ranked = MemoryCache(8)
        self._verdicts = MemoryCache(1)
        self._previews = MemoryCache(8)
        self._lock = threading.Lock()
        self._opened: ReviewStore | None = None

    def store(self) -> ReviewStore:
        """Open the file of the reviews, once; it is created where there is none.

        Raises
        ------
        TagifaiError
            It cannot be opened.
        """
        with self._lock:
            if self._opened is None or not self.path.exists():
                # No write-ahead log beside the file, which may be on a network disk.
                self._opened = ReviewStore(self.path, journal="delete")
            return self._opened

    def close(self) -> None:
        """Close the file of the reviews; every decision is on the disk already."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def events(self) -> tuple[Review, ...]:
        """Read all events in the order of their time; () where nothing was ever reviewed."""
        return self.store().events() if self.path.exists() else ()

    def verdicts(self) -> Verdicts:
        """Return the verdict of all reviews on each (project, tag) pair."""
        if not self.path.exists():
            return {}
        store = self.store()
        return self._verdicts.get(
            "verdicts", store.last_seq(), lambda: reach_verdicts(store.events())
        )

    def suspicions(self, version: str) -> Suspicions:
        """Score every pair of a version; this takes seconds the first time.

        Raises
        ------
        TagifaiError
            Unknown version, no predictions, or no data to compare with.
        """
        data = self.versions.data.get()
        predictions = self.versions.predictions(version)
        return self._suspicions.get(
            version,
            self._stamp(version),
            lambda: suspect_labels(predictions, data.by_id, data.dataset.tags, data.language),
        )

    def tags(self, version: str) -> list[str]:
        """List the tags of a version's predictions, in alphabetical order."""
        return sorted(self.versions.predictions(version).tags)

    def queue(self, choice: QueueChoice, reader: str = "") -> Integers:
        """Rank the pairs of a queue: rows and columns, int (n_pairs, 2).

        Raises
        ------
        TagifaiError
            An unknown version, kind, tag, split, rank or state.
        """
        found = self.suspicions(choice.version)
        pairs = self._ranked.get(
            (choice.version, choice.kind, choice.tag, choice.split, choice.rank),
            self._stamp(choice.version),
            lambda: issue_pairs(
                found, choice.kind, tag=choice.tag, split=choice.split, rank=choice.rank
            ),
        )
        if choice.state == "all":
            return pairs
        return pairs[in_state(found.predictions, self.verdicts(), choice.state, reader, pairs)]

    def page(
        self, choice: QueueChoice, number: int = 1, *, reader: str = "", size: int = 10
    ) -> Paged[tuple[QueuedPair, ...]]:
        """Return one page of a queue."""
        return self._page_of(choice, self.queue(choice, reader), number, size)

    def page_with(
        self, choice: QueueChoice, pair: Pair, *, reader: str = "", size: int = 10
    ) -> Paged[tuple[QueuedPair, ...]]:
        """Return the page that a pair is on, the first one where it is not in the queue."""
        queue = self.queue(choice, reader)
        place = place_of(self.versions.predictions(choice.version), queue, pair)
        return self._page_of(choice, queue, (place or 0) // size + 1, size)

    def after(self, choice: QueueChoice, pair: Pair | None, *, reader: str = "") -> Pair | None:
        """Return the next pair of a queue: the one ranked below `pair`, or else the first.

        `pair` may have left the queue, as after its review. None where the queue is empty.
        """
        queue = self.queue(choice, reader)
        if not len(queue):
            return None
        predictions = self.suspicions(choice.version).predictions
        everything = self.queue(
            QueueChoice(choice.version, choice.kind, rank=choice.rank, state="all")
        )
        place = first_below(predictions, queue, everything, pair) if pair else 0
        row, column = queue[place].tolist()
        return predictions.ids[row], predictions.tags[column]

    def describe(self, version: str, pair: Pair) -> PairDescription:
        """Return a pair with all its evidence and its reviews.

        Raises
        ------
        TagifaiError
            An unknown project or tag, or a project that is gone.
        """
        found, data = self.suspicions(version), self.versions.data.get()
        project, tag = pair
        column = column_of(found.predictions, tag)
        row = found.predictions.row_of.get(project)
        if row is None or project not in data.by_id:
            raise TagifaiError(f"project {shorten(project)!r} is not in the data and the version")
        (issue,) = describe_issues(
            found, np.array([[row, column]]), data.by_id, data.dataset.tags, data.language
        )
        verdict = self.verdicts().get(pair)
        text = data.by_id[project].text
        marks = name_places(text, issue.named, data.language) if issue.named else []
        return PairDescription(
            issue=issue,
            text=text,
            marks=tuple(marks),
            tags=data.by_id[project].tags,
            status=verdict.status if verdict else "",
            reviews=verdict.reviews if verdict else (),
            data_digest=data.dataset.digest,
        )

    def decide(
        self,
        visit: Visit,
        version: str,
        pair: Pair,
        decision: str,
        note: str = "",
        seen: str = "",
    ) -> Review:
        """Save a visitor's decision on a pair; it is on the disk when this returns.

        `seen` is the digest of the data that they saw, by default the present one.

        Raises
        ------
        TagifaiError
            The visitor may not write; an unknown version, project, tag or decision; one that
            changes nothing; or it could not be kept.
        """
        reviewer = self.rules.reviewer_of(visit)
        data = self.versions.data.get()
        tags = self.versions.predictions(version).tags
        project, tag = pair
        if project not in data.by_id:
            raise TagifaiError(f"project {shorten(project)!r} is not in the data")
        if tag not in data.carried.counts and tag not in data.dataset.tags:
            refuse_unknown_tags([tag], known_tags(data.dataset), "review, tag")
        if tag not in tags:
            raise one_of(f"tag of {version}", tag, tags)
        carried = tag in data.by_id[project].tags
        if decision == ("add" if carried else "remove"):
            raise TagifaiError(
                f"project {shorten(project)!r} {'carries' if carried else 'does not carry'} "
                f"{tag!r}: there is nothing to {decision}"
            )
        return self.store().submit(
            reviewer=reviewer,
            project=project,
            tag=tag,
            decision=decision,
            note=note,
            version=version,
            data_digest=seen or data.dataset.digest,
        )

    def undo(self, visit: Visit) -> Review:
        """Undo a visitor's own latest decision.

        Raises
        ------
        TagifaiError
            The visitor may not write, or has nothing to undo.
        """
        reviewer = self.rules.reviewer_of(visit)
        if not self.path.exists():
            raise TagifaiError(f"nothing to undo for {shorten(reviewer)!r}")
        return self.store().undo(reviewer)

    def reader_of(self, visit: Visit) -> tuple[str, str]:
        """Return the name of a visitor who may write and "", or else "" and why they may not."""
        try:
            return self.rules.reader_of(visit), ""
        except TagifaiError as error:
            return "", str(error)

    def export(self) -> str:
        """Return all reviews as JSON lines, for a disk that does not last."""
        return export_reviews(self.events(), "jsonl")

    def changes_since(self, version: str) -> str:
        """Describe what cannot be judged: unlabelled and in-sample projects, and what changed.

        "" where everything can be.
        """
        found = self.suspicions(version)
        parts = [
            f"{counted(number, what)} {became}"
            for number, what, became in (
                (found.num_gone, "project", "gone from the data"),
                (found.num_changed, "label", "changed"),
            )
            if number
        ]
        changed = f"Changed since this version was made, so left out: {', '.join(parts)}."
        in_sample = describe_in_sample(found.predictions)
        in_sample = f"{in_sample[:1].upper()}{in_sample[1:]}." if in_sample else ""
        decisions = describe_decisions(found.predictions)
        decisions = f"{decisions[:1].upper()}{decisions[1:]}." if decisions else ""
        notes = self.versions.note(version), decisions, in_sample, changed if parts else ""
        return " ".join(filter(None, notes))

    def preview(self, version: str) -> Preview:
        """Score a version against today's labels and against those of the accepted reviews."""
        changes = accepted_changes(self.verdicts())
        predictions, thresholds = (
            self.versions.predictions(version),
            self.versions.thresholds(version),
        )
        return self._previews.get(
            version,
            (self.versions.load(version).fingerprint, repr(changes)),
            lambda: preview_changes(predictions, thresholds, changes),
        )

    def counts(self) -> dict[str, int]:
        """Count the reviewed pairs by status: add, remove, right, skipped, conflict."""
        counts = dict.fromkeys(("add", "remove", "right", "conflict", "skipped"), 0)
        for verdict in self.verdicts().values():
            counts[verdict.status] += 1
        return counts

    def stamp(self, version: str) -> str:
        """Return a digest of what a version's queues are made of: its files, data and reviews."""
        last = self.store().last_seq() if self.path.exists() else 0
        return repr((*self._stamp(version), last))

    def _stamp(self, version: str) -> tuple[Hashable, ...]:
        data = self.versions.data.get()
        return self.versions.load(version).fingerprint, data.dataset.digest

    def _page_of(
        self, choice: QueueChoice, queue: Integers, number: int, size: int
    ) -> Paged[tuple[QueuedPair, ...]]:
        suspicions, verdicts = self.suspicions(choice.version), self.verdicts()
        by_id = self.versions.data.get().by_id
        predictions, evidence = suspicions.predictions, suspicions.evidence
        page = paged(range(len(queue)), number, size)
        items = []
        for row, column in queue[list(page.items)].tolist():
            pair = predictions.ids[row], predictions.tags[column]
            verdict = verdicts.get(pair)
            named, share = evidence.at(row, column)
            items.append(
                QueuedPair(
                    *pair,
                    kind=choice.kind,
                    split=str(predictions.split[row]),
                    probability=float(predictions.y_prob[row, column]),
                    score=float(suspicions.score[row, column]),
                    named=named,
                    neighbour_share=share,
                    title=by_id[pair[0]].name,
                    status=verdict.status if verdict else "",
                )
            )
        return page.with_items(tuple(items))


def apply_commands(settings: Settings) -> list[str]:
    """Return the commands that apply the reviews to a copy of the data, and train on it.

    >>> apply_commands(Settings())[1]
    'python -m tagifai train --data data-reviewed --models model'
    >>> apply_commands(Settings(data=Path("hf:ann/tags@v1")))[0]
    'python -m tagifai reviews apply --data hf:ann/tags@v1 --to tags-reviewed'
    """
    data = settings.data.as_posix().rstrip("/")
    name = hub_name_of(data).repository.rpartition("/")[2] if is_on_hub(data) else data
    to, models = quote(f"{name}-reviewed"), quote(settings.models)
    reviews = f" --reviews {quote(settings.reviews)}" if settings.reviews else ""
    return [
        f"python -m tagifai reviews apply --data {quote(data)}{reviews} --to {to}",
        f"python -m tagifai train --data {to} --models {models}",
    ]
