"""What each command of the command line does: arguments in, an answer to print out."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

from tagifai.cli.terminal import print_message, print_table, print_text, progress_bar, shown
from tagifai.data import known_tags, load_dataset
from tagifai.data.records import replace_surrogates
from tagifai.errors import TagifaiError, one_of
from tagifai.pointers import refuse_pointer_file
from tagifai.settings import load_limits
from tagifai.store.naming import WORKSPACE
from tagifai.store.versions import VersionSource, open_source

# The rest in functions: a mistake and a quick answer need not wait for what others ask.
if TYPE_CHECKING:
    from tagifai.data.left_out import LeftOut
    from tagifai.services.versions import VersionService

GROUPS = ("overall", "class", "slices", "behavioral")


@dataclass(frozen=True)
class Answer:
    """A command's answer: `data` for JSON, `show` for people, `failed` for a check that did."""

    data: Any
    show: Callable[[], None]
    failed: bool = False


def open_desk(options: argparse.Namespace) -> "VersionService":
    """Open the versions and the data that the options name; nothing is kept on disk."""
    from tagifai.services.data import DataService
    from tagifai.services.versions import VersionService
    from tagifai.store.cache import ContentCache, open_memory

    cache = ContentCache(open_memory(None))
    return VersionService(
        open_home(options),
        cache,
        DataService(options.data),
        trust_pickle=getattr(options, "trust_pickle", False),
    )


def open_home(options: argparse.Namespace, where: str = "") -> VersionSource:
    """Open the home of versions that the options name, or the one at `where`."""
    return open_source(where or options.models, limits=load_limits(vars(options)))


def check_data(options: argparse.Namespace) -> Answer:
    """Read a data folder and check its rules."""
    from tagifai.data.agreement import measure_agreement
    from tagifai.data.check import check_dataset, format_report, report_to_dict

    dataset = load_dataset(options.data)
    agreement = measure_agreement(options.data, {p.id: p for p in dataset.projects})
    report = check_dataset(dataset, progress=progress_bar("checking"))

    def show() -> None:
        print_text(format_report(report))
        if agreement:
            print_text(
                f"{agreement['num_projects']:,} projects were tagged twice: "
                f"F1 of one tagging against the other {shown(agreement['f1'])}"
            )

    return Answer(
        {**report_to_dict(report), "agreement": agreement},
        show,
        failed=options.strict and bool(report.findings),
    )


def split_data(options: argparse.Namespace) -> Answer:
    """Write a test split that all versions of a data folder share."""
    from tagifai.training.fixed_split import describe_split, write_splits

    dataset = load_dataset(options.data)
    path, splits = write_splits(
        options.data, dataset, test=options.test, val=options.val, seed=options.seed
    )
    rows = describe_split(dataset, splits)

    def show() -> None:
        columns = {"split": "split", "projects": "projects", "tags": "tags with 10 or more"}
        print_table(rows, columns, title=f"written to {path}")

    return Answer({"file": str(path), "splits": rows}, show)


def download_data(options: argparse.Namespace) -> Answer:
    """Fetch the Made With ML projects."""
    from tagifai.data.download import download_projects

    download_projects(options.to, progress=progress_bar("downloading"))
    return Answer({"to": str(options.to)}, lambda: print_text(f"downloaded to {options.to}"))


def train_workspace(options: argparse.Namespace) -> Answer:
    """Train with the given parameters; write the workspace, or repeat over seeds."""
    params = _params(options)
    dataset = load_dataset(options.data)
    # Only now: a mistake in either is told at once.
    from tagifai.behavioral import saved_tests
    from tagifai.data.left_out import describe_negatives, find_left_out
    from tagifai.data.rules import describe_spellings, spelling_groups
    from tagifai.metrics.reading import describe_undefined, state_covered, undefined_tags
    from tagifai.slices import load_slices
    from tagifai.training.releases import version_files
    from tagifai.training.repetition import flat_metrics, repeat, table_rows
    from tagifai.training.train import train

    slices = load_slices(options.data, dataset)
    saved = saved_tests(options.data, known_tags(dataset))
    left_out = find_left_out(dataset)
    for counts in spelling_groups(dataset):
        # What no spelling of could be learned confuses no version; `data check` names it.
        if sum(counts.values()) >= params.min_tag_freq:
            told = describe_spellings(counts)
            print_message(f"warning: tags that differ in spelling alone: {told}")

    if options.repeat is not None:
        if options.repeat < 1:
            raise TagifaiError(f"--repeat must be 1 or more, got {options.repeat}")
        seeds = range(params.seed, params.seed + options.repeat)
        table = repeat(
            dataset,
            params,
            seeds,
            jobs=options.jobs,
            progress=progress_bar("training"),
            slices=slices,
            saved=saved,
        )
        columns = {"metric": "metric", "mean": "mean ± standard deviation", "support": "samples"}
        title = f"Seeds {seeds[0]} to {seeds[-1]}, on the test part of each one's split"

        def show_repeated() -> None:
            print_table(table_rows(table), columns, title=title)
            print_left_out(left_out)

        return Answer({**table, "left_out": left_out.to_dict()}, show_repeated)
    source = open_home(options)
    source.check_writable(WORKSPACE)
    trained = train(
        dataset,
        params,
        jobs=options.jobs,
        progress=progress_bar("training"),
        slices=slices,
        saved=saved,
        limits=source.limits,
    )
    files = version_files(trained, dataset, notes=options.notes)
    source.write(WORKSPACE, files)
    metrics, covered = flat_metrics(trained.performance), state_covered(trained.performance)
    undefined = undefined_tags(trained.performance)
    info = orjson.loads(files["version.json"])
    warnings = info["warnings"]

    def show() -> None:
        print_table(
            [
                {"metric": name, "value": value, "covers": covered.get(name, "")}
                for name, value in metrics.items()
            ],
            {"metric": "metric", "value": "test split", "covers": "averaged over"},
            title=f"{WORKSPACE} written to {source.location}",
        )
        negatives = int((~trained.predictions.y_true.any(axis=1)).sum())
        print_text(describe_negatives(len(trained.predictions.ids), negatives))
        if undefined:
            print_text(describe_undefined(undefined, len(trained.tags)))
        print_left_out(left_out)
        print_leakage(info["near_duplicates"])
        print_warnings(warnings)

    return Answer(
        {
            "version": WORKSPACE,
            "models": source.location,
            "metrics": metrics,
            "averaged_over": covered,
            "undefined_tags": undefined,
            "left_out": left_out.to_dict(),
            "warnings": warnings,
        },
        show,
    )


def print_left_out(left_out: "LeftOut") -> None:
    """Print what the data has and no version learns from, if anything."""
    if told := str(left_out):
        print_text(told)


def print_leakage(found: Any) -> None:
    """Print how many test projects have a near-duplicate in training, where a version says so."""
    from tagifai.data.leakage import read_leakage

    if leakage := read_leakage(found):
        print_text(leakage.describe())


def print_warnings(found: Any) -> None:
    """Print a version's warnings, out of the way of the answer."""
    from tagifai.training.version_warnings import read_warnings

    for warning in read_warnings(found):
        print_message(f"warning: {warning.message}")


def optimize_params(options: argparse.Namespace) -> Answer:
    """Search parameters; resume from the trials file where one is given."""
    from tagifai.data.left_out import find_left_out
    from tagifai.training.search import optimize

    dataset = load_dataset(options.data)
    trials = optimize(
        dataset,
        _params(options),
        trials=options.trials,
        path=options.trials_file,
        jobs=options.jobs,
        progress=progress_bar("searching"),
    )
    rows = [{**trial, "params": _choice(trial["params"])} for trial in trials[:20]]
    columns = {"number": "trial", "f1": "weighted F1", "params": "changed"}

    def show() -> None:
        print_table(rows, columns, title="Best first; out of fold, without test")
        print_left_out(find_left_out(dataset))

    return Answer(trials, show)


def _choice(params: dict[str, Any]) -> str:
    values = ((k, f"{v:.3g}" if isinstance(v, float) else v) for k, v in params.items())
    return " ".join(f"{name}={value}" for name, value in values) or "as given"


def _name_and_address(given: str) -> tuple[str, str]:
    name, found, address = given.partition("=")
    if not found or not name.strip():
        raise TagifaiError(f"--link takes NAME=ADDRESS, got {given!r}")
    return name.strip(), address.strip()


def release(options: argparse.Namespace) -> Answer:
    """Freeze the workspace under a name."""
    from tagifai.training.releases import release_workspace

    source = open_home(options)
    target = open_home(options, options.to) if options.to else source
    links = dict(_name_and_address(given) for given in options.link or [])
    release_workspace(source, options.name, options.notes, target, links)
    return Answer(
        {"version": options.name, "models": target.location},
        lambda: print_text(f"released {options.name} to {target.location}"),
    )


def make_demo_versions(options: argparse.Namespace) -> Answer:
    """Train and release each version of the demonstration, then the workspace."""
    from tagifai.behavioral import saved_tests
    from tagifai.data.left_out import find_left_out
    from tagifai.slices import load_slices
    from tagifai.training.demo import demo_params, demo_workspace
    from tagifai.training.releases import version_files
    from tagifai.training.repetition import flat_metrics
    from tagifai.training.train import train

    source = open_home(options)
    dataset = load_dataset(options.data)
    story = demo_params(_params(options))
    source.check_writable(WORKSPACE)
    taken = [name for name in story if name in source.names()]
    if taken:
        raise TagifaiError(
            f"{', '.join(taken)} exist in {source.location}; a release is never changed, so "
            f"give an empty folder with --models, or remove them first"
        )
    rows = []
    move = progress_bar("training")
    story[WORKSPACE] = demo_workspace(_params(options))
    for done, (name, (params, notes)) in enumerate(story.items(), start=1):
        trained = train(
            dataset,
            params,
            jobs=options.jobs,
            slices=load_slices(options.data, dataset),
            saved=saved_tests(options.data, known_tags(dataset)),
            limits=source.limits,
        )
        source.write(name, version_files(trained, dataset, name=name, notes=notes))
        rows.append({"version": name, "notes": notes, **flat_metrics(trained.performance)})
        move(done, len(story), name)
    columns = {
        "version": "version",
        "f1": "F1",
        "macro_f1": "macro F1",
        "behavioral_score": "behavioral",
        "behavioral_name_matcher": "name matcher",
        "notes": "notes",
    }

    def show() -> None:
        print_table(rows, columns, title=f"written to {source.location}")
        print_left_out(find_left_out(dataset))

    return Answer(rows, show)


def list_versions(options: argparse.Namespace) -> Answer:
    """List versions with their key metrics, or describe one of them."""
    desk = open_desk(options)
    if options.version is not None:
        return describe_version(desk, options.version)
    rows = [row.to_dict() for row in desk.history()]
    columns = {name: name for name in rows[0]}
    if not any(row["error"] for row in rows):
        columns.pop("error")
    notes = desk.notes()

    def show() -> None:
        print_table(rows, columns, title=desk.source.location)
        for name, note in notes.items():
            print_text(f"{name}: {note}")

    told = [
        {**row, "note": notes[name]} if (name := str(row["version"])) in notes else row
        for row in rows
    ]
    return Answer(told, show)


def describe_version(desk: "VersionService", name: str) -> Answer:
    """Show a version's card: what it was made from, and what its figures are not."""
    card = desk.describe(name)
    rows = [
        {"what": key.replace("_", " "), "value": _in_words(value)}
        for key, value in card.items()
        # The parameters have a command of their own, the warnings come last.
        if key not in ("params", "warnings") and value
    ]

    def show() -> None:
        print_table(rows, {"what": "of the version", "value": "value"}, title=name)
        print_warnings(card["warnings"])

    return Answer(card, show)


def _in_words(value: Any) -> str:
    """Write a value of a version's card: an object as its keys and values.

    >>> _in_words({"numpy": "2.4.6", "sizes": 1200}), _in_words(3.5)
    ('numpy 2.4.6, sizes 1,200', '3.500')
    """
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_words(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    return shown(value)


def show_params(options: argparse.Namespace) -> Answer:
    """Show a version's parameters, or one of them."""
    desk = open_desk(options)
    params = dict(desk.load(options.version or desk.latest()).params)
    if options.name is not None:
        if options.name not in params:
            raise one_of("parameter", options.name, params)
        value = params[options.name]
        return Answer({options.name: value}, lambda: print_text(orjson.dumps(value).decode()))
    rows = [{"name": name, "value": orjson.dumps(v).decode()} for name, v in params.items()]
    return Answer(params, lambda: print_table(rows, {"name": "parameter", "value": "value"}))


def show_performance(options: argparse.Namespace) -> Answer:
    """Show a version's performance, or one group of it."""
    from tagifai.metrics import PAIRS_OF
    from tagifai.store.history import count_covered, count_samples, list_figures

    desk = open_desk(options)
    name = options.version or desk.latest()
    performance = dict(desk.load(name).performance)
    if options.filter is not None:
        if options.filter not in GROUPS:
            raise one_of("group", options.filter, GROUPS)
        performance = {options.filter: performance[options.filter]}
    samples, covered = count_samples(performance), count_covered(performance)
    rows = [
        {
            "group": group,
            "name": one,
            "metric": metric,
            "value": value,
            "samples": performance["overall"].get(PAIRS_OF[metric])
            if metric in PAIRS_OF and group == "overall"
            else samples.get((group, one)),
            "covers": " ".join(str(part) for part in covered.get((group, one, metric), ())),
        }
        for (group, one, metric), value in list_figures(performance).items()
    ]
    columns = {key: key for key in ("group", "name", "metric", "value", "samples")}
    columns["covers"] = "averaged over"

    def show() -> None:
        print_table(rows, columns, title=name)
        if note := desk.note(name):
            print_text(note)
        print_leakage(desk.load(name).info.get("near_duplicates"))
        print_warnings(desk.load(name).info.get("warnings"))

    return Answer(performance, show)


def diff_versions(options: argparse.Namespace) -> Answer:
    """Compare two versions, B − A, with intervals and verdicts."""
    from tagifai.charts.verdict import tell_counts
    from tagifai.comparison.results import GROUPS as COMPARED
    from tagifai.comparison.verdicts import WORSE
    from tagifai.services.comparisons import ComparisonService

    result = ComparisonService(open_desk(options)).compare(options.a, options.b)
    metric = result.primary.partition(" ")[2]
    rows = [
        {"where": where, **asdict(row)}
        for where in ("overall", "behavioral", "slices", "tags")
        for row in result.rows(where)
        # Of the many groups of behavioral tests, those that changed.
        if row.metric == metric or (row.metric == "score" and (row.name == "all" or row.diff))
    ]
    worse = any(row.verdict == WORSE for group in COMPARED for row in result.rows(group))

    def show() -> None:
        columns = {key: key for key in ("where", "name", "metric", "a", "b", "diff", "low", "high")}
        columns |= {"verdict": "verdict", "support": "support"}
        title = f"{options.b} − {options.a}, on {result.shared} shared test projects"
        print_table(rows, columns, title=title)
        changed = [asdict(row) for row in result.params if row.status != "same"]
        print_table(changed, {"name": "parameter", "a": options.a, "b": options.b})
        if result.basis == "paired":
            print_message(f"By tag, in {metric}: {tell_counts(result.rows('tags', metric))}.")
        if result.note:
            print_message(result.note)

    return Answer(result.to_dict(), show, failed=options.fail_on == "worse" and worse)


def plot(options: argparse.Namespace) -> Answer:
    """Save the tag distribution, the key metrics or a comparison as a picture."""
    import pandas as pd

    from tagifai.plots import plot_diffs, plot_history, plot_tag_distribution, save_plot
    from tagifai.services.comparisons import ComparisonService
    from tagifai.services.data import DataService

    if options.what == "diff" and len(options.versions) != 2:
        raise TagifaiError(f"diff: two versions are needed, got {len(options.versions)}")
    notes: list[str] = []
    if options.what == "tags":
        kept = DataService(options.data).get().filter_tags(options.min_tag_freq).kept
        figure = plot_tag_distribution(pd.Series(dict(kept), dtype=int), options.min_tag_freq)
    elif options.what == "history":
        desk = open_desk(options)
        frame = pd.DataFrame([row.to_dict() for row in desk.history()]).set_index("version")
        notes = [f"{name}: {note}" for name, note in desk.notes().items()]
        figure = plot_history(frame.drop(columns="error"))
    else:
        a, b = options.versions
        result = ComparisonService(open_desk(options)).compare(a, b)
        frame = result.to_frame()
        rows = frame[(frame["group"] == "tags") & (frame["metric"] == options.metric)]
        notes = [result.note] if result.note else []
        figure = plot_diffs(rows, options.metric, a, b)
    save_plot(figure, options.output)
    return Answer(
        {"file": str(options.output), **({"notes": notes} if notes else {})},
        lambda: print_text("\n".join([f"saved {options.output}", *notes])),
    )


def evaluate_behavioral(options: argparse.Namespace) -> Answer:
    """Score versions on the behavioral tests of now, those saved in the data folder among them."""
    from tagifai.services.inference import InferenceDesk

    desk = open_desk(options)
    inference = InferenceDesk(desk, desk.data)
    names = desk.names()
    if options.version:
        if options.version not in names:
            desk.require_model(options.version)
        names = [options.version]
    rows: list[dict[str, Any]] = []
    move = progress_bar("testing")
    for done, name in enumerate(names, start=1):
        row: dict[str, Any] = {"version": name, "error": None}
        try:
            measured = desk.load(name).performance["behavioral"]
            if not (options.version or measured or desk.keeps_model(name)):
                raise TagifaiError("the version keeps no model, so it cannot be tested")
            row |= {"measured": measured.get("score"), **inference.behavioral_results(name)}
        except TagifaiError as error:
            if options.version:
                raise
            row["error"] = str(error)
        rows.append(row)
        move(done, len(names), name)
    if all(row.get("score") is None for row in rows):
        desk.latest("model")  # which says that there is none

    def show() -> None:
        columns = {
            "version": "version",
            "score": "score now",
            "name_matcher": "name matcher",
            "num_samples": "tests",
            "skipped": "skipped",
            "measured": "score when made",
            "note": "note",
        }
        told = "the version keeps no model: as measured when it was made"
        print_table(
            [{**row, "note": row["error"] or ("" if row.get("fresh") else told)} for row in rows],
            columns,
        )
        if options.version:
            kinds = {"by_part": "part", "by_type": "type", "by_group": "group"}
            print_table(
                [
                    {"of": what, "name": one, **row}
                    for kind, what in kinds.items()
                    for one, row in (rows[0].get(kind) or {}).items()
                ],
                {
                    "of": "of",
                    "name": "name",
                    "score": "score",
                    "name_matcher": "name matcher",
                    "num_samples": "tests",
                },
                title="By part, type and group",
            )
            failed = rows[0].get("results", {}).get("failed", [])
            texts = [
                {
                    **test,
                    "texts": " | ".join(test["texts"]),
                    "predicted": " | ".join(
                        ", ".join(tags) or "none" for tags in test["predicted"]
                    ),
                }
                for test in failed
                if "texts" in test
            ]
            columns = {"type": "type", "group": "group", "texts": "texts", "predicted": "predicted"}
            print_table(texts, columns, title=f"Failed: {len(failed)}")

    return Answer(rows[0] if options.version else rows, show)


def predict(options: argparse.Namespace) -> Answer:
    """Predict the tags of texts given as arguments, or as lines of standard input."""
    desk = open_desk(options)
    given = options.texts or [line.rstrip("\n") for line in sys.stdin]
    texts = [replace_surrogates(text) for text in given]
    name = options.version or desk.latest("model")
    answers = [
        {"text": text, **answer}
        for text, answer in zip(texts, desk.predict(name, texts), strict=True)
    ]
    rows = [
        {
            "text": answer["text"],
            "tags": ", ".join(answer["tags"]) or "none",
            "note": answer["reason"] or "",
        }
        for answer in answers
    ]
    columns = {"text": "text", "tags": "predicted tags", "note": "note"}
    return Answer(
        {"version": name, "predictions": answers},
        lambda: print_table(rows, columns, title=name),
    )


def preprocess(options: argparse.Namespace) -> Answer:
    """Show what the classifier reads of a text."""
    from tagifai.data.config import load_config
    from tagifai.text.preprocessing import FILTERS, preprocess_text

    language = options.language or load_config(options.data).language
    text = sys.stdin.read() if options.text is None else options.text
    cleaned = preprocess_text(
        replace_surrogates(text),
        lower=not options.no_lower,
        stem=options.stem,
        filters=FILTERS if options.filters is None else options.filters,
        stopwords=None if options.stopwords is None else options.stopwords.split(),
        language=language,
    )
    return Answer({"preprocessed": cleaned}, lambda: print_text(cleaned))


def import_predictions(options: argparse.Namespace) -> Answer:
    """Make a version of another program's predictions."""
    from tagifai.data.left_out import find_left_out
    from tagifai.metrics.reading import describe_undefined, undefined_tags
    from tagifai.slices import load_slices
    from tagifai.training.importing import (
        check_threshold,
        read_predictions,
        read_tag_list,
        version_of,
    )

    check_threshold(options.threshold)
    source = open_home(options)
    source.check_writable(options.name)
    dataset = load_dataset(options.data)
    slices = load_slices(options.data, dataset)
    predictions = read_predictions(
        options.file,
        dataset,
        out_of_fold=options.out_of_fold,
        tags=read_tag_list(options.tags) if options.tags else None,
        missing=options.missing,
        encoding=options.encoding,
        delimiter=options.delimiter,
        limits=source.limits,
    )
    files, overall = version_of(
        predictions, dataset, options.threshold, options.name, slices, source.limits
    )
    undefined = undefined_tags(orjson.loads(files["performance.json"]))
    source.write(options.name, files)
    left_out = find_left_out(dataset)
    info = orjson.loads(files["version.json"])
    note = orjson.loads(files["performance.json"]).get("note", "")

    covered, num_tags = overall["num_tags"]["f1"], len(predictions.tags)
    over = f" over {covered:,} of them" if covered < num_tags else ""

    def show() -> None:
        print_text(
            f"{options.name}: {info['num_projects']:,} projects, {num_tags:,} tags, "
            f"weighted F1 {shown(overall['f1'])}{over} on {overall['num_samples']:,} test projects"
        )
        if undefined:
            print_text(describe_undefined(undefined, num_tags))
        if note:
            print_text(note)
        print_leakage(info["near_duplicates"])
        print_warnings(info["warnings"])

    return Answer(
        {
            "version": options.name,
            "overall": overall,
            "left_out": left_out.to_dict(),
            "missing_tags": info["missing_tags"],
            "out_of_fold": predictions.out_of_fold,
            "warnings": info["warnings"],
        },
        show,
    )


def _params(options: argparse.Namespace) -> Any:
    """Read the parameters that were given; the language is the data's where none is."""
    from tagifai.data.config import load_config
    from tagifai.models.params import Params, parse_value

    base = Params(language=load_config(options.data).language)
    if options.params is not None:
        refuse_pointer_file(options.params)
        try:
            given = orjson.loads(options.params.read_bytes())
        except OSError as error:
            raise TagifaiError(f"{options.params}: cannot be read ({error.strerror})") from None
        except orjson.JSONDecodeError as error:
            raise TagifaiError(f"{options.params}: not JSON: {error}") from None
        if not isinstance(given, dict):
            raise TagifaiError(f"{options.params}: an object of parameters is needed")
        base = base.replaced(given)
    changes = {}
    for pair in options.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise TagifaiError(f"--set: NAME=VALUE is needed, got {pair!r}")
        changes[name] = parse_value(name, value)
    return base.replaced(changes)
