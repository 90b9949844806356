"""What the commands share: their answer, the versions that they open, the warnings they print."""

import argparse
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tagifai.cli.terminal import print_message, print_text, shown
from tagifai.hub import is_on_hub
from tagifai.settings import load_allowed, load_cache_folder, load_limits
from tagifai.store.versions import VersionSource, open_source

# Imported in functions: a mistake and a quick answer need not wait for what others need.
if TYPE_CHECKING:
    from tagifai.data.leakage import Leakage
    from tagifai.data.left_out import LeftOut
    from tagifai.services.versions import VersionService
    from tagifai.store.prediction_cut import Storage
    from tagifai.training.releases import NewVersion
    from tagifai.training.version_warnings import VersionWarning


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers.

    Attributes
    ----------
    data : object
        The answer as JSON, for `--json`.
    show : callable
        Prints the answer for people.
    failed : bool
        Whether a check failed, so that the exit status is 3.
    """

    data: object
    show: Callable[[], None]
    failed: bool = False


def open_versions(options: argparse.Namespace) -> "VersionService":
    """Open the versions and the data that the options name; figures are not cached on disk."""
    from tagifai.services.data import DataService
    from tagifai.services.versions import VersionService
    from tagifai.store.cache import ContentCache, open_memory

    return VersionService(
        open_home(options),
        ContentCache(open_memory(None)),
        DataService(options.data, limits=load_limits(vars(options))),
        trust_pickle=getattr(options, "trust_pickle", False),
        allow_predictor=load_allowed(vars(options)),
        cache_folder=load_cache_folder(vars(options)),
    )


def read_storage(options: argparse.Namespace) -> "Storage":
    """Read which probabilities are stored, and how exactly.

    Raises
    ------
    TagifaiError
        A value outside its range.
    """
    from tagifai.store.prediction_cut import Storage

    return Storage(options.floor, options.top_k, options.precision)


def data_folder(options: argparse.Namespace) -> Path:
    """Return the data folder that the options name; a dataset of the Hub is fetched once."""
    from tagifai.cli.terminal import progress_bar
    from tagifai.data.hub import open_data

    if not is_on_hub(options.data):
        return Path(options.data)
    if (fetched := getattr(options, "fetched_data", None)) is not None:
        return Path(fetched)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        folder = open_data(options.data, load_limits(vars(options)), progress_bar("downloading"))
    for warning in caught:
        print_message(f"warning: {warning.message}")
    options.fetched_data = folder
    return folder


def open_home(options: argparse.Namespace, where: str = "") -> VersionSource:
    """Open the home of versions that the options name, or the one at `where`."""
    return open_source(where or options.models, limits=load_limits(vars(options)))


def print_left_out(left_out: "LeftOut") -> None:
    """Print what the data has and no version learns from, if anything."""
    if message := str(left_out):
        print_text(message)


def print_leakage(leakage: "Leakage | None") -> None:
    """Print how many test projects have a near-duplicate in training, where it is known."""
    if leakage:
        print_text(leakage.describe())


def print_warnings(found: "Iterable[VersionWarning]") -> None:
    """Print a version's warnings to standard error."""
    for warning in found:
        print_message(f"warning: {warning.message}")


def answer_imported(version: "NewVersion") -> Answer:
    """Answer with the figures of a version that was made of predictions."""
    from tagifai.metrics.reading import describe_undefined, undefined_tags

    info, overall = version.info, version.performance["overall"]
    undefined, note = undefined_tags(version.performance), version.performance.get("note", "")
    covered, num_tags = overall["num_tags"]["f1"], len(info.tags)
    over = f" over {covered:,} of them" if covered < num_tags else ""

    def show() -> None:
        print_text(
            f"{info.name}: {info.num_projects:,} projects, {num_tags:,} tags, "
            f"weighted F1 {shown(overall['f1'])}{over} on {overall['num_samples']:,} test projects"
        )
        if undefined:
            print_text(describe_undefined(undefined, num_tags))
        if note:
            print_text(note)
        if info.usage is not None:
            print_text(f"asked: {info.usage}")
        print_leakage(info.near_duplicates)
        print_warnings(info.warnings)

    return Answer(
        {
            "version": info.name,
            "overall": overall,
            "left_out": info.left_out.to_dict(),
            "missing_tags": info.missing_tags,
            "out_of_fold": info.out_of_fold,
            "warnings": [warning.to_dict() for warning in info.warnings],
            **({} if info.usage is None else {"usage": asdict(info.usage)}),
        },
        show,
    )
