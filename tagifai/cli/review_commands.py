"""The commands `python -m tagifai reviews …` and `users …`."""

import argparse
import getpass
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from tagifai.cli.answers import Answer, data_folder, open_versions
from tagifai.cli.terminal import print_table, print_text
from tagifai.data import known_tags
from tagifai.data.names import nearest_name
from tagifai.errors import TagifaiError, counted
from tagifai.limits import Limit
from tagifai.pointers import refuse_pointer
from tagifai.reviews import ReviewStore
from tagifai.services.users import load_users, remove_user, set_password
from tagifai.settings import REVIEWS_FILE, load_limits, reviews_file
from tagifai.store.review_events import ANNOTATION

if TYPE_CHECKING:
    from tagifai.reviews.importing import Imported
    from tagifai.reviews.tasks import Task
    from tagifai.services.reviews import ReviewService

WITH_TEXTS = ("label-studio", "argilla")


def list_reviews(options: argparse.Namespace) -> Answer:
    """List the results of the reviews, pair by pair, the latest last."""
    verdicts = _reviewed(options).verdicts().values()
    rows = [
        {
            "project": verdict.project,
            "tag": verdict.tag,
            "status": verdict.status,
            "reviews": [review.to_dict() for review in verdict.reviews],
        }
        for verdict in verdicts
    ]
    shown = [
        {
            **row,
            "who": ", ".join(f"{r.reviewer}: {r.decision}" for r in verdict.reviews),
            "note": "; ".join(r.note for r in verdict.reviews if r.note),
        }
        for row, verdict in zip(rows, verdicts, strict=True)
    ]
    counts = Counter(row["status"] for row in rows)
    title = ", ".join(f"{number} × {status}" for status, number in counts.items()) or "no review"
    columns = {"project": "project", "tag": "tag", "status": "status", "who": "who", "note": "note"}
    return Answer(rows, lambda: print_table(shown, columns, title=title))


def export(options: argparse.Namespace) -> Answer:
    """Write the reviews as a file, or to standard output."""
    from tagifai.reviews.files import export_reviews

    reviews = _open_reviews(options) if options.ask else _reviewed(options)
    events = reviews.events()
    tasks = _tasks(reviews, options) if options.format in WITH_TEXTS else ()
    text = export_reviews(events, options.format, tasks)
    where = f"the reviews as {options.format}"
    load_limits(vars(options)).reviews.check(len(text.encode()), where)
    decisions = sum(event.decision != ANNOTATION for event in events)
    summary: dict[str, str | int] = {"format": options.format, "reviews": decisions}
    if options.format in WITH_TEXTS:
        summary["tasks"] = len(tasks)
    elif options.ask:
        raise TagifaiError(f"--ask: for {' and '.join(WITH_TEXTS)}, got {options.format}")
    if options.output is None:
        return Answer({**summary, "content": text}, lambda: _write_out(text))
    try:
        options.output.write_text(text, "utf-8", newline="")
    except OSError as error:
        raise TagifaiError(f"{options.output}: cannot be written ({error.strerror})") from None
    written = ", ".join(f"{value:,} {key}" for key, value in summary.items() if key != "format")
    return Answer(
        {**summary, "to": str(options.output)},
        lambda: print_text(f"{written} written to {options.output}"),
    )


def import_file(options: argparse.Namespace) -> Answer:
    """Import the reviews of a file that are not here yet."""
    from tagifai.reviews.files import read_reviews
    from tagifai.reviews.importing import import_reviews

    limit = load_limits(vars(options)).reviews
    reviews, content = _open_reviews(options), _read(options.file, limit)
    dataset = reviews.versions.data.get().dataset
    kind = options.format or guess_format(options.file, content)
    found = read_reviews(content, kind, str(options.file), limit)
    imported = import_reviews(
        reviews.store(),
        found,
        dataset,
        new_tags=options.new_tags,
        take_back_missing=options.take_back_missing,
    )
    lines = _lines_of(imported)
    return Answer({"format": kind, **asdict(imported)}, lambda: print_text("\n".join(lines)))


def _lines_of(imported: "Imported") -> list[str]:
    summary = f"{counted(imported.num_new, 'new review')}, {imported.num_known:,} known before"
    if imported.num_other_data:
        summary += f"; {imported.num_other_data:,} made on other data"
    if imported.num_unknown:
        summary += f"; {imported.num_unknown:,} of projects that this data does not have"
    lines = [summary]
    if imported.new_tags:
        lines.append(f"New tags: {', '.join(map(repr, imported.new_tags))}")
    if imported.num_replaced:
        lines.append(
            f"Replaced by a later state of their annotation: "
            f"{counted(imported.num_replaced, 'earlier review')}"
        )
    if imported.num_outdated:
        lines.append(
            f"Older than what was known of their annotation, so without effect: "
            f"{counted(imported.num_outdated, 'review')}"
        )
    if imported.applied:
        pairs = ", ".join(f"{project}: {tag!r}" for project, tag in imported.applied[:20])
        lines.append(
            f"No longer decided, though this data has them applied already: "
            f"{counted(len(imported.applied), 'label')} ({pairs})"
        )
    if imported.num_missing:
        annotations = counted(imported.num_missing, "annotation")
        lines.append(
            f"Taken back, as the file no longer has them: the decisions of {annotations}"
            if imported.taken_back
            else f"Not in this file, though their tasks are: {annotations} known before. Their "
            f"decisions stay; --take-back-missing takes them back"
        )
    if imported.unused:
        reasons = "; ".join(f"{number:,} × {reason}" for reason, number in imported.unused.items())
        lines.append(f"No decisions: {reasons}")
    return lines


def apply(options: argparse.Namespace) -> Answer:
    """Write a copy of the data folder with the accepted reviews applied."""
    from tagifai.data.corrections import apply_changes
    from tagifai.reviews.verdicts import accepted_changes

    reviews = _reviewed(options)
    verdicts = reviews.verdicts()
    changes = accepted_changes(verdicts)
    applied = apply_changes(data_folder(options), changes, options.to)
    if not options.reviews:
        # A label that was found right need not be reviewed again.
        store = ReviewStore(options.to / REVIEWS_FILE, journal="delete")
        store.merge(reviews.events())
        store.close()
    conflicts = sum(verdict.status == "conflict" for verdict in verdicts.values())
    lines = [
        f"{options.to}: {counted(applied.num_added, 'label')} added and "
        f"{applied.num_removed:,} removed, in {counted(applied.num_projects, 'project')}; "
        f"{options.data} is as it was"
    ]
    if not changes:
        lines.append(f"{reviews.path}: no accepted change in it, so both are the same")
    if applied.new_tags:
        known = known_tags(reviews.versions.data.get().dataset)
        named = (_with_nearest(tag, known) for tag in applied.new_tags)
        lines.append(f"New tags, which the data did not have: {', '.join(named)}")
    if applied.num_same:
        lines.append(f"So already: {counted(applied.num_same, 'label')}")
    if applied.unknown:
        gone = counted(len(applied.unknown), "project")
        lines.append(f"Left out, as the data does not have them: {gone}")
    if conflicts:
        lines.append(f"Waiting until the reviewers agree: {counted(conflicts, 'conflict')}")
    lines.append(f"Train on it: python -m tagifai train --data {options.to}")
    data = {**asdict(applied), "num_conflicts": conflicts, "to": str(options.to)}
    return Answer(data, lambda: print_text("\n".join(lines)))


def _with_nearest(tag: str, known: Sequence[str]) -> str:
    near = nearest_name(tag, known)
    return repr(tag) if near is None else f"{tag!r} (it has {near!r})"


def show_config(options: argparse.Namespace) -> Answer:
    """Print the labelling interface that Label Studio needs for exported tasks.

    It offers all that the tasks ask about: the tags of the version, and those reviewed.
    """
    from tagifai.reviews.tasks import label_studio_config

    reviews = _open_reviews(options)
    name = _version(reviews, options)
    reviewed = (event.tag for event in reviews.events() if event.tag)
    choices = dict.fromkeys([*(reviews.tags(name) if name else ()), *reviewed])
    if not choices:
        raise TagifaiError("no version and no review yet, so there is no tag to offer")
    config = label_studio_config(choices)
    return Answer({"config": config}, lambda: print_text(config))


def add_user(options: argparse.Namespace) -> Answer:
    """Add a user, or change a password: it is typed twice, or a line of standard input."""
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise TagifaiError("the two passwords differ; nothing was changed")
    else:
        password = sys.stdin.readline().rstrip("\n")
    new = set_password(options.auth_file, options.name, password)
    what = "added to" if new else "has a new password in"
    return Answer(
        {"user": options.name, "new": new, "auth_file": str(options.auth_file)},
        lambda: print_text(f"{options.name} {what} {options.auth_file}"),
    )


def drop_user(options: argparse.Namespace) -> Answer:
    """Remove a user; who is logged in stays so until the app is started again."""
    remove_user(options.auth_file, options.name)
    return Answer(
        {"user": options.name, "auth_file": str(options.auth_file)},
        lambda: print_text(f"{options.name} removed from {options.auth_file}"),
    )


def list_users(options: argparse.Namespace) -> Answer:
    """List the users' names."""
    names = sorted(load_users(options.auth_file))
    return Answer(names, lambda: print_text("\n".join(names) or "no user"))


def guess_format(path: Path, content: bytes) -> str:
    """Guess a review file's format from its name, and a .json file's from its first record.

    Raises
    ------
    TagifaiError
        Neither tells.
    """
    by_suffix = {".jsonl": "jsonl", ".csv": "csv"}
    if path.suffix.lower() in by_suffix:
        return by_suffix[path.suffix.lower()]
    try:
        rows = orjson.loads(content)
    except orjson.JSONDecodeError:
        rows = None
    first = rows[0] if isinstance(rows, list) and rows else None
    if isinstance(first, dict) and ("fields" in first or "tagifai" in first):
        return "argilla"
    if isinstance(first, dict) and "data" in first:
        return "label-studio"
    raise TagifaiError(f"{path}: the format cannot be told; give it with --format")


def _open_reviews(options: argparse.Namespace) -> "ReviewService":
    from tagifai.services.reviews import ReviewService

    return ReviewService(open_versions(options), reviews_file(options.data, options.reviews))


def _reviewed(options: argparse.Namespace) -> "ReviewService":
    reviews = _open_reviews(options)
    if not reviews.path.exists():
        raise TagifaiError(
            f"{reviews.path}: no reviews yet; the page keeps them, or `reviews import`"
        )
    return reviews


def _version(reviews: "ReviewService", options: argparse.Namespace) -> str:
    """Return the version of the options, or else the latest; "" where there is none."""
    if options.version is None and not reviews.versions.source.names():
        return ""
    return options.version or reviews.versions.latest("predictions")


def _tasks(reviews: "ReviewService", options: argparse.Namespace) -> "tuple[Task, ...]":
    from tagifai.label_errors.label_issues import KINDS
    from tagifai.reviews.queues import QueueChoice
    from tagifai.reviews.tasks import build_tasks

    data, name = reviews.versions.data.get(), _version(reviews, options)
    if not name:
        return build_tasks(reviews.events(), data.by_id, (), data_digest=data.dataset.digest)
    predictions = reviews.versions.predictions(name)
    asked = [
        (predictions.ids[row], predictions.tags[column])
        for kind in KINDS
        for row, column in (
            reviews.queue(QueueChoice(name, kind))[: options.ask].tolist() if options.ask else ()
        )
    ]
    return build_tasks(
        reviews.events(),
        data.by_id,
        reviews.tags(name),
        asked=asked,
        predictions=predictions,
        thresholds=reviews.versions.thresholds(name),
        version=name,
        data_digest=data.dataset.digest,
    )


def _read(path: Path, limit: Limit) -> bytes:
    try:
        limit.check(path.stat().st_size, str(path))
        content = path.read_bytes()
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be read ({error.strerror or error})") from None
    refuse_pointer(content, str(path))
    return content


def _write_out(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()
