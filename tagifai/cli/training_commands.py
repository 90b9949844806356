"""Commands that make versions: train, optimize, release, demo-versions."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tagifai.cli.answers import (
    Answer,
    data_folder,
    open_home,
    print_leakage,
    print_left_out,
    print_warnings,
    read_storage,
)
from tagifai.cli.terminal import print_message, print_table, print_text, progress_bar
from tagifai.data import Dataset, known_tags, load_dataset
from tagifai.data.json_files import read_object
from tagifai.errors import TagifaiError
from tagifai.store.naming import WORKSPACE

# Imported in functions: a mistake and a quick answer need not wait for scikit-learn.
if TYPE_CHECKING:
    from tagifai.behavioral import BehavioralTest
    from tagifai.models.params import Params
    from tagifai.slices import Slice
    from tagifai.store.versions import VersionSource
    from tagifai.training.cluster import Spread
    from tagifai.training.releases import NewVersion
    from tagifai.training.repetition import Repetition

DEMO_COLUMNS = {
    "version": "version",
    "f1": "F1",
    "macro_f1": "macro F1",
    "behavioral_score": "behavioral",
    "behavioral_name_matcher": "name matcher",
    "notes": "notes",
}


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A data folder as training reads it: projects, slices and saved behavioral tests."""

    dataset: Dataset
    slices: "Mapping[str, Slice]"
    saved: "Sequence[BehavioralTest]"


def train_workspace(options: argparse.Namespace) -> Answer:
    """Train with the given parameters; write the workspace, or repeat over seeds."""
    # A mistake is told before any data is read.
    read_params(options)
    storage = read_storage(options)
    data = read_training_data(options)
    params = read_fitting_params(options, data.dataset)
    warn_of_spellings(data.dataset, params.min_tag_freq)
    if options.repeat is not None:
        return repeat_training(options, params, data)
    from tagifai.training.releases import new_version
    from tagifai.training.train import train

    source = open_home(options)
    source.check_writable(WORKSPACE)
    with open_workers(options) as spread:
        trained = train(
            data.dataset,
            params,
            jobs=spread.jobs,
            scratch=spread.scratch,
            progress=progress_bar("training"),
            slices=data.slices,
            saved=data.saved,
            limits=source.limits,
            storage=storage,
        )
    version = new_version(trained, data.dataset, notes=options.notes)
    source.write(WORKSPACE, version.to_files())
    return answer_trained(version, source)


@contextmanager
def open_workers(options: argparse.Namespace) -> "Iterator[Spread]":
    """Open what the options spread work over: processes, or a cluster, and say how large it is.

    Raises
    ------
    TagifaiError
        As `open_spread` does.
    """
    from tagifai.training.cluster import describe_workers, open_spread

    with open_spread(options.cluster, options.jobs, options.cluster_folder) as spread:
        if workers := describe_workers(spread):
            print_message(f"cluster {options.cluster}: {workers}")
        yield spread


def read_training_data(options: argparse.Namespace) -> TrainingData:
    """Read what training needs of the data folder, before anything is computed."""
    from tagifai.behavioral import saved_tests
    from tagifai.slices import load_slices

    folder = data_folder(options)
    dataset = load_dataset(folder)
    return TrainingData(
        dataset,
        load_slices(folder, dataset),
        saved_tests(folder, known_tags(dataset)),
    )


def warn_of_spellings(dataset: Dataset, min_tag_freq: int) -> None:
    """Warn of tags that are frequent enough to be learned and differ in spelling alone."""
    from tagifai.data.rules import describe_spellings, spelling_groups

    for counts in spelling_groups(dataset):
        # A group that is too rare confuses no version; `data check` names it.
        if sum(counts.values()) >= min_tag_freq:
            described = describe_spellings(counts)
            print_message(f"warning: tags that differ in spelling alone: {described}")


def answer_trained(version: "NewVersion", source: "VersionSource") -> Answer:
    """Answer with the figures of a version that was trained and written."""
    from tagifai.data.left_out import describe_negatives
    from tagifai.metrics.reading import describe_undefined, state_covered, undefined_tags
    from tagifai.training.repetition import flat_metrics

    performance, info = version.performance, version.info
    metrics, covered = flat_metrics(performance), state_covered(performance)
    undefined = undefined_tags(performance)
    rows = [
        {"metric": name, "value": value, "covers": covered.get(name, "")}
        for name, value in metrics.items()
    ]

    def show() -> None:
        columns = {"metric": "metric", "value": "test split", "covers": "averaged over"}
        print_table(rows, columns, title=f"{WORKSPACE} written to {source.location}")
        print_text(describe_negatives(info.num_projects, info.num_negatives))
        if undefined:
            print_text(describe_undefined(undefined, len(info.tags)))
        print_left_out(info.left_out)
        print_leakage(info.near_duplicates)
        print_warnings(info.warnings)

    return Answer(
        {
            "version": WORKSPACE,
            "models": source.location,
            "metrics": metrics,
            "averaged_over": covered,
            "undefined_tags": undefined,
            "left_out": info.left_out.to_dict(),
            "warnings": [warning.to_dict() for warning in info.warnings],
        },
        show,
    )


def repeat_training(options: argparse.Namespace, params: "Params", data: TrainingData) -> Answer:
    """Train over several seeds and answer with means and deviations; no version is written."""
    from tagifai.data.left_out import find_left_out
    from tagifai.training.repetition import repeat

    if options.repeat < 1:
        raise TagifaiError(f"--repeat must be 1 or more, got {options.repeat}")
    with open_workers(options) as spread:
        repetition = repeat(
            data.dataset,
            params,
            range(params.seed, params.seed + options.repeat),
            jobs=spread.jobs,
            scratch=spread.scratch,
            progress=progress_bar("training"),
            slices=data.slices,
            saved=data.saved,
        )
    left_out = find_left_out(data.dataset)

    def show() -> None:
        _show_repetition(repetition)
        print_left_out(left_out)

    return Answer({**repetition.to_json(), "left_out": left_out.to_dict()}, show)


def _show_repetition(repetition: "Repetition") -> None:
    columns = {"metric": "metric", "mean": "mean ± standard deviation", "support": "samples"}
    seeds = repetition.seeds
    title = f"Seeds {seeds[0]} to {seeds[-1]}, on the test part of each one's split"
    print_table(repetition.rows(), columns, title=title)


def optimize_params(options: argparse.Namespace) -> Answer:
    """Search parameters; resume from the trials file where one is given."""
    from tagifai.data.left_out import find_left_out
    from tagifai.training.search import optimize

    dataset = load_dataset(data_folder(options))
    params = read_fitting_params(options, dataset)
    with open_workers(options) as spread:
        trials = optimize(
            dataset,
            params,
            trials=options.trials,
            path=options.trials_file,
            jobs=spread.jobs,
            scratch=spread.scratch,
            progress=progress_bar("searching"),
        )

    def show() -> None:
        rows = [
            {"number": trial.number, "f1": trial.f1, "params": _describe_choice(trial.params)}
            for trial in trials[:20]
        ]
        columns = {"number": "trial", "f1": "weighted F1", "params": "changed"}
        print_table(rows, columns, title="Best first; out of fold, without test")
        print_left_out(find_left_out(dataset))

    return Answer(trials, show)


def _describe_choice(params: Mapping[str, object]) -> str:
    values = ((k, f"{v:.3g}" if isinstance(v, float) else v) for k, v in params.items())
    return " ".join(f"{name}={value}" for name, value in values) or "as given"


def release(options: argparse.Namespace) -> Answer:
    """Freeze the workspace under a name."""
    from tagifai.training.releases import release_workspace

    source = open_home(options)
    target = open_home(options, options.to) if options.to else source
    links = dict(_split_link(given) for given in options.link or [])
    release_workspace(source, options.name, options.notes, target, links)
    return Answer(
        {"version": options.name, "models": target.location},
        lambda: print_text(f"released {options.name} to {target.location}"),
    )


def _split_link(given: str) -> tuple[str, str]:
    name, found, address = given.partition("=")
    if not found or not name.strip():
        raise TagifaiError(f"--link takes NAME=ADDRESS, got {given!r}")
    return name.strip(), address.strip()


def make_demo_versions(options: argparse.Namespace) -> Answer:
    """Train and release each version of the demonstration, then the workspace."""
    from tagifai.data.left_out import find_left_out
    from tagifai.training.demo import demo_params, demo_workspace
    from tagifai.training.releases import version_files
    from tagifai.training.repetition import flat_metrics
    from tagifai.training.train import train

    source, data = open_home(options), read_training_data(options)
    versions = demo_params(read_params(options))
    source.check_writable(WORKSPACE)
    taken = [name for name in versions if name in source.names()]
    if taken:
        raise TagifaiError(
            f"{', '.join(taken)} exist in {source.location}; a release is never changed, so "
            f"give an empty folder with --models, or remove them first"
        )
    versions[WORKSPACE] = demo_workspace(read_params(options))
    rows: list[Mapping[str, object]] = []
    move = progress_bar("training")
    with open_workers(options) as spread:
        for done, (name, (params, notes)) in enumerate(versions.items(), start=1):
            trained = train(
                data.dataset,
                params,
                jobs=spread.jobs,
                scratch=spread.scratch,
                slices=data.slices,
                saved=data.saved,
                limits=source.limits,
            )
            source.write(name, version_files(trained, data.dataset, name=name, notes=notes))
            rows.append({"version": name, "notes": notes, **flat_metrics(trained.performance)})
            move(done, len(versions), name)

    def show() -> None:
        print_table(rows, DEMO_COLUMNS, title=f"written to {source.location}")
        print_left_out(find_left_out(data.dataset))

    return Answer(rows, show)


def read_fitting_params(options: argparse.Namespace, dataset: Dataset) -> "Params":
    """Read the parameters that were given; the others suit the size of the data.

    Raises
    ------
    TagifaiError
        As `read_params` does.
    """
    from tagifai.training.evaluation import choose_tested_tags
    from tagifai.training.large_data import lower_params

    params = read_params(options)
    given = {pair.partition("=")[0] for pair in options.set}
    if options.params is not None:
        given |= read_object(options.params).keys()
    lowered = lower_params(params, given, dataset)
    if lowered.changed:
        print_message(lowered.describe())
    num_tested = len(choose_tested_tags([""] * lowered.num_tags))
    if num_tested < lowered.num_tags:
        print_message(
            f"behavioral tests are generated for {num_tested:,} of the {lowered.num_tags:,} tags"
        )
    return lowered.params


def read_params(options: argparse.Namespace) -> "Params":
    """Read the parameters that were given; the language is the data's where none is.

    Raises
    ------
    TagifaiError
        `--params` is not a file of parameters, or `--set` not NAME=VALUE with a known name.
    """
    from tagifai.data.config import load_config
    from tagifai.models.params import Params, parse_value

    params = Params(language=load_config(data_folder(options)).language)
    if options.params is not None:
        params = params.replaced(read_object(options.params))
    changes = {}
    for pair in options.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise TagifaiError(f"--set: NAME=VALUE is needed, got {pair!r}")
        changes[name] = parse_value(name, value)
    return params.replaced(changes)
