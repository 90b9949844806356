"""Commands about versions that exist: versions, params, performance, diff, plot and behavior."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tagifai.cli.answers import Answer, data_folder, open_versions, print_leakage, print_warnings
from tagifai.cli.terminal import print_message, print_table, print_text, progress_bar, shown
from tagifai.errors import TagifaiError, one_of
from tagifai.settings import load_allowed

# Imported in functions: a mistake and a quick answer need not wait for what others need.
if TYPE_CHECKING:
    from tagifai.comparison.results import Comparison
    from tagifai.models.predictor import Progress
    from tagifai.plots import Figure
    from tagifai.services.inference import InferenceService
    from tagifai.services.versions import VersionService

GROUPS = ("overall", "class", "slices", "behavioral")
NO_MODEL = "the version keeps no model: as measured when it was made"


def list_versions(options: argparse.Namespace) -> Answer:
    """List versions with their key metrics, or describe one of them."""
    versions = open_versions(options)
    if options.version is not None:
        return describe_version(versions, options.version)
    rows = [row.to_dict() for row in versions.history()]
    columns = {name: name for name in rows[0]}
    if not any(row["error"] for row in rows):
        columns.pop("error")
    notes = versions.notes()

    def show() -> None:
        print_table(rows, columns, title=versions.source.location)
        for name, note in notes.items():
            print_text(f"{name}: {note}")

    noted = [
        {**row, "note": notes[name]} if (name := str(row["version"])) in notes else row
        for row in rows
    ]
    return Answer(noted, show)


def describe_version(versions: "VersionService", name: str) -> Answer:
    """Show a version's card: what it was made from, and what its figures are not."""
    card = versions.describe(name)
    rows = [
        {"what": key.replace("_", " "), "value": _in_words(value)}
        for key, value in card.to_dict().items()
        # Parameters have a command of their own, and warnings come last.
        if key not in ("params", "warnings") and value
    ]

    def show() -> None:
        print_table(rows, {"what": "of the version", "value": "value"}, title=name)
        print_warnings(card.warnings)

    return Answer(card.to_dict(), show)


def _in_words(value: object) -> str:
    """Write a value of a version's card: an object as its keys and values.

    >>> _in_words({"numpy": "2.4.6", "sizes": 1200}), _in_words(3.5)
    ('numpy 2.4.6, sizes 1,200', '3.500')
    """
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_words(one)}" for key, one in value.items() if one != "")
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    return shown(value)


def show_params(options: argparse.Namespace) -> Answer:
    """Show a version's parameters, or one of them."""
    versions = open_versions(options)
    params = dict(versions.load(options.version or versions.latest()).params)
    if options.name is not None:
        if options.name not in params:
            raise one_of("parameter", options.name, params)
        value = params[options.name]
        return Answer({options.name: value}, lambda: print_text(orjson.dumps(value).decode()))
    rows = [{"name": name, "value": orjson.dumps(v).decode()} for name, v in params.items()]
    return Answer(params, lambda: print_table(rows, {"name": "parameter", "value": "value"}))


def show_performance(options: argparse.Namespace) -> Answer:
    """Show a version's performance, or one group of it."""
    from tagifai.data.leakage import read_leakage
    from tagifai.training.version_warnings import read_warnings

    versions = open_versions(options)
    name = options.version or versions.latest()
    version = versions.load(name)
    performance = dict(version.performance)
    if options.filter is not None:
        if options.filter not in GROUPS:
            raise one_of("group", options.filter, GROUPS)
        performance = {options.filter: performance[options.filter]}
    rows = _figure_rows(performance) + _ranking_rows(performance)

    def show() -> None:
        columns = {key: key for key in ("group", "name", "metric", "value", "samples")}
        print_table(rows, {**columns, "covers": "averaged over"}, title=name)
        if note := versions.note(name):
            print_text(note)
        print_leakage(read_leakage(version.info.get("near_duplicates")))
        print_warnings(read_warnings(version.info.get("warnings")))

    return Answer(performance, show)


def _ranking_rows(performance: Mapping[str, Any]) -> list[Mapping[str, object]]:
    """Return a row for each figure of the order of tags, where there are many."""
    from tagifai.metrics.ranking import list_ranking

    return [{"group": "ranking", **asdict(row)} for row in list_ranking(performance)]


def _figure_rows(performance: Mapping[str, Any]) -> list[Mapping[str, object]]:
    """Return a row per figure, with the samples behind it and what an average covers."""
    from tagifai.metrics import PAIRS_OF
    from tagifai.store.history import count_covered, count_samples, list_figures

    samples, covered = count_samples(performance), count_covered(performance)
    return [
        {
            "group": group,
            "name": name,
            "metric": metric,
            "value": value,
            "samples": performance["overall"].get(PAIRS_OF[metric])
            if metric in PAIRS_OF and group == "overall"
            else samples.get((group, name)),
            "covers": " ".join(str(part) for part in covered.get((group, name, metric), ())),
        }
        for (group, name, metric), value in list_figures(performance).items()
    ]


def diff_versions(options: argparse.Namespace) -> Answer:
    """Compare two versions, B − A, with intervals and verdicts."""
    from tagifai.comparison.results import GROUPS as COMPARED
    from tagifai.comparison.verdicts import WORSE
    from tagifai.services.comparisons import ComparisonService

    comparison = ComparisonService(open_versions(options)).compare(options.a, options.b)
    worse = any(row.verdict == WORSE for group in COMPARED for row in comparison.rows(group))
    return Answer(
        comparison.to_dict(),
        lambda: _show_comparison(comparison),
        failed=options.fail_on == "worse" and worse,
    )


def _show_comparison(comparison: "Comparison") -> None:
    from tagifai.charts.verdict import count_in_words

    a, b, metric = comparison.a, comparison.b, comparison.primary.partition(" ")[2]
    rows = [
        {"where": where, **asdict(row)}
        for where in ("overall", "behavioral", "slices", "tags")
        for row in comparison.rows(where)
        # Of the many groups of behavioral tests, those that changed.
        if row.metric == metric or (row.metric == "score" and (row.name == "all" or row.diff))
    ]
    columns = ("where", "name", "metric", "a", "b", "diff", "low", "high", "verdict", "support")
    title = f"{b} − {a}, on {comparison.shared} shared test projects"
    print_table(rows, {key: key for key in columns}, title=title)
    changed = [asdict(row) for row in comparison.params if row.status != "same"]
    print_table(changed, {"name": "parameter", "a": a, "b": b})
    if comparison.basis == "paired":
        counts = count_in_words(comparison.rows("tags", metric))
        print_message(f"By tag, in {metric}: {counts}.")
    if comparison.note:
        print_message(comparison.note)


def evaluate_parts(options: argparse.Namespace) -> Answer:
    """Score and evaluate Parquet files one after the other, on a cluster's workers if given."""
    from tagifai.services.part_scoring import ScoredVersion, find_parts, score_parts
    from tagifai.training.cluster import open_spread

    if options.top < 1 or not 0 <= options.floor <= 1:
        raise TagifaiError(
            f"--top must be 1 or more and --floor from 0 to 1, got {options.top} and "
            f"{options.floor:g}"
        )
    parts = find_parts(options.parts, options.split)
    # Workers start in folders of their own.
    local = Path(options.models).is_dir()
    models = str(Path(options.models).resolve()) if local else options.models
    predictor = ScoredVersion(models, options.version, load_allowed(vars(options)))
    with open_spread(options.cluster, options.jobs, options.cluster_folder) as spread:
        figures = score_parts(
            predictor,
            parts,
            options.to,
            split=options.split,
            top=options.top,
            floor=options.floor,
            spread=spread.map,
            progress=progress_bar("scoring"),
        )

    def show() -> None:
        rows = [
            {"average": "weighted", **figures.weighted},
            {"average": "macro", **figures.macro},
            {"average": "micro", **asdict(figures.micro)},
        ]
        columns = {"average": "average", "precision": "precision", "recall": "recall", "f1": "F1"}
        counts = f"{figures.projects:,} projects of {figures.parts:,} parts"
        print_table(rows, columns, title=f"{counts}, predictions in {options.to}")

    return Answer(figures.to_json(), show)


def plot(options: argparse.Namespace) -> Answer:
    """Save the tag distribution, the key metrics or a comparison as a picture."""
    from tagifai.plots import save_plot

    if options.what == "diff" and len(options.versions) != 2:
        raise TagifaiError(f"diff: two versions are needed, got {len(options.versions)}")
    draw = {"tags": _plot_tags, "history": _plot_history, "diff": _plot_diff}[options.what]
    figure, notes = draw(options)
    save_plot(figure, options.output)
    return Answer(
        {"file": str(options.output), **({"notes": notes} if notes else {})},
        lambda: print_text("\n".join([f"saved {options.output}", *notes])),
    )


def _plot_tags(options: argparse.Namespace) -> "tuple[Figure, list[str]]":
    import pandas as pd

    from tagifai.plots import plot_tag_distribution
    from tagifai.services.data import DataService

    selection = DataService(data_folder(options)).filter_tags(options.min_tag_freq)
    counts = pd.Series(dict(selection.kept), dtype=int)
    return plot_tag_distribution(counts, options.min_tag_freq), []


def _plot_history(options: argparse.Namespace) -> "tuple[Figure, list[str]]":
    import pandas as pd

    from tagifai.plots import plot_history

    versions = open_versions(options)
    frame = pd.DataFrame([row.to_dict() for row in versions.history()]).set_index("version")
    notes = [f"{name}: {note}" for name, note in versions.notes().items()]
    return plot_history(frame.drop(columns="error")), notes


def _plot_diff(options: argparse.Namespace) -> "tuple[Figure, list[str]]":
    from tagifai.plots import plot_diffs
    from tagifai.services.comparisons import ComparisonService

    a, b = options.versions
    comparison = ComparisonService(open_versions(options)).compare(a, b)
    frame = comparison.to_frame()
    rows = frame[(frame["group"] == "tags") & (frame["metric"] == options.metric)]
    return plot_diffs(rows, options.metric, a, b), [comparison.note] if comparison.note else []


def evaluate_behavioral(options: argparse.Namespace) -> Answer:
    """Score versions on the behavioral tests of now, those saved in the data folder included."""
    from tagifai.services.inference import InferenceService

    versions = open_versions(options)
    inference = InferenceService(versions, versions.data)
    if options.version:
        if options.version not in versions.names():
            versions.require_predictor(options.version)
        row = _test_version(inference, options.version, progress_bar("asking"))
        if row.get("score") is None:
            versions.latest("predictor")  # raises where no version has a model
        return Answer(row, lambda: _show_tested(row))
    rows, names = [], versions.names()
    move = progress_bar("testing")
    for done, name in enumerate(names, start=1):
        try:
            if not (versions.load(name).performance["behavioral"] or versions.can_predict(name)):
                raise TagifaiError("the version keeps no model, so it cannot be tested")
            rows.append(_test_version(inference, name))
        except TagifaiError as error:
            rows.append({"version": name, "error": str(error)})
        move(done, len(names), name)
    if all(row.get("score") is None for row in rows):
        versions.latest("predictor")
    return Answer(rows, lambda: _show_scores(rows))


def _test_version(
    inference: "InferenceService", name: str, progress: "Progress | None" = None
) -> Mapping[str, Any]:
    from tagifai.services.patience import Ask

    measured = inference.versions.load(name).performance["behavioral"]
    now = inference.behavioral_results(name, Ask(progress))
    return {"version": name, "error": None, "measured": measured.get("score"), **now.to_dict()}


def _show_scores(rows: Sequence[Mapping[str, Any]]) -> None:
    columns = {
        "version": "version",
        "score": "score now",
        "name_matcher": "name matcher",
        "num_samples": "tests",
        "skipped": "skipped",
        "measured": "score when made",
        "note": "note",
    }
    noted = [
        {**row, "note": row["error"] or ("" if row.get("fresh") else NO_MODEL)} for row in rows
    ]
    print_table(noted, columns)


def _show_tested(row: Mapping[str, Any]) -> None:
    _show_scores([row])
    kinds = {"by_part": "part", "by_type": "type", "by_group": "group"}
    groups = [
        {"of": what, "name": name, **figures}
        for kind, what in kinds.items()
        for name, figures in (row.get(kind) or {}).items()
    ]
    columns = {key: key for key in ("of", "name", "score")}
    columns |= {"name_matcher": "name matcher", "num_samples": "tests"}
    print_table(groups, columns, title="By part, type and group")
    failed = row.get("results", {}).get("failed", [])
    tests = [
        {
            **test,
            "texts": " | ".join(test["texts"]),
            "predicted": " | ".join(", ".join(tags) or "none" for tags in test["predicted"]),
        }
        for test in failed
        if "texts" in test
    ]
    shown_columns = {key: key for key in ("type", "group", "texts", "predicted")}
    print_table(tests, shown_columns, title=f"Failed: {len(failed)}")
