"""The command line, `tagifai …`: parse, call one command, print its answer."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagifai import __version__
from tagifai.cli import (
    data_commands,
    predictor_commands,
    report_commands,
    review_commands,
    serving,
    text_commands,
    training_commands,
    version_commands,
)
from tagifai.cli.answers import Answer
from tagifai.cli.terminal import print_json, print_message
from tagifai.errors import TagifaiError
from tagifai.predictions import OUT_OF_FOLD
from tagifai.reviews.files import FORMATS
from tagifai.settings import LIMITS, REVIEWS_FILE, add_flags, load_allowed

PREDICTIONS = (
    "JSON lines, CSV, Parquet (also a folder of parts) or npz: id, split, and a probability for "
    "each tag, or tags alone"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    0, 1 for a mistake, 2 for wrong arguments, 3 for a failed check.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = build_parser().parse_args(with_command(words))
    if (wrong := find_wrong_permission(vars(options))) is not None:
        print_message(f"tagifai: {wrong}")
        return 2
    try:
        answer = options.run(options)
        if options.json:
            print_json(answer.data)
        else:
            answer.show()
    except TagifaiError as error:
        print_message(f"tagifai: {' '.join(str(error).splitlines())}")
        return 1
    except BrokenPipeError:
        # The reader, such as `head`, has stopped reading.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print_message("tagifai: stopped")
        return 130
    return 3 if answer.failed else 0


def find_wrong_permission(given: Mapping[str, object]) -> TagifaiError | None:
    """Return what is wrong with `--allow-predictor` or its variable, None where nothing is."""
    allowed = load_allowed(given)
    if not allowed:
        return None
    from tagifai.models.predictor_spec import AllowedPredictors

    try:
        AllowedPredictors.of(allowed)
    except TagifaiError as error:
        return error
    return None


def with_command(words: list[str]) -> list[str]:
    """Return a command line with its command: the dashboard where none is given.

    >>> with_command(["--port", "8000"]), with_command(["versions", "--json"])
    (['app', '--port', '8000'], ['versions', '--json'])
    """
    names_one = bool(words) and not words[0].startswith("-")
    return (
        words if names_one or words[:1] in (["-h"], ["--help"], ["--version"]) else ["app", *words]
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command with its arguments."""
    installed = Path(sys.argv[0]).stem == "tagifai"
    parser = argparse.ArgumentParser(
        prog="tagifai" if installed else "python -m tagifai",
        description="Look at versions of a text classifier; train, release, compare and ask them. "
        "Without a command: the dashboard.",
    )
    parser.add_argument("--version", action="version", version=f"tagifai {__version__}")
    kinds = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    commands = Commands(kinds, _shared_arguments())
    _add_data(commands)
    _add_training(commands)
    _add_versions(commands)
    _add_texts(commands)
    _add_version(commands)
    _add_import_predictions(commands)
    for name, run, text in (
        ("app", serving.serve_app, "start the dashboard, as `tagifai` alone does"),
        ("serve-api", serving.serve_api, "serve the endpoints over HTTP, without the page"),
    ):
        server = kinds.add_parser(name, help=text, description=text)
        add_flags(server)
        server.set_defaults(run=run, json=False)
    _add_reviews(commands)
    _add_users(commands)
    return parser


@dataclass(frozen=True, slots=True)
class Commands:
    """Where commands are added: a group of them, and the arguments that they share."""

    kinds: "argparse._SubParsersAction[argparse.ArgumentParser]"
    shared: argparse.ArgumentParser

    def add(
        self, name: str, run: Callable[[argparse.Namespace], Answer], text: str
    ) -> argparse.ArgumentParser:
        """Add a command that calls `run`; `text` says what it does."""
        command = self.kinds.add_parser(name, help=text, description=text, parents=[self.shared])
        command.set_defaults(run=run)
        return command

    def group(self, name: str, text: str, shared: argparse.ArgumentParser) -> "Commands":
        """Add a group of commands under one name."""
        group = self.kinds.add_parser(name, help=text)
        return Commands(
            group.add_subparsers(title="commands", required=True, metavar="COMMAND"), shared
        )


def _shared_arguments() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("TAGIFAI_DATA", "data")),
        help="folder with projects.json (.jsonl, .csv, .parquet) and tags.json, or "
        "hf:ORG/DATASET[@REVISION] [default: data]",
    )
    shared.add_argument(
        "--models",
        default=os.environ.get("TAGIFAI_MODELS", "model"),
        help="versions: a folder, git:PATH_OR_URL, mlflow:URI or hf:ORG/NAME [default: model]",
    )
    shared.add_argument("--json", action="store_true", help="print one JSON document")
    add_flags(shared.add_argument_group("limits"), LIMITS)
    predictors = shared.add_argument_group("predictors of versions")
    add_flags(predictors, ("allow_predictor", "cache_dir", "no_cache"))
    return shared


def _add_data(commands: Commands) -> None:
    data = commands.group("data", "check or download data", commands.shared)
    check = data.add("check", data_commands.check_data, "read and check a data folder")
    check.add_argument("--strict", action="store_true", help="fail where a rule is broken")
    _add_import(data)
    split = data.add("split", data_commands.split_data, "fix a test split that all versions share")
    for part in ("test", "val"):
        split.add_argument(
            f"--{part}",
            type=float,
            default=0.15,
            metavar="SHARE",
            help="of the projects [default: 0.15]",
        )
    split.add_argument("--seed", type=int, default=0, metavar="N", help="[default: 0]")
    download = data.add(
        "download", data_commands.download_data, "fetch the Made With ML projects (MIT licence)"
    )
    download.add_argument("--to", type=Path, default=Path("datasets/madewithml"), metavar="DIR")


def _add_training(commands: Commands) -> None:
    train = commands.add("train", training_commands.train_workspace, "train the workspace")
    _add_params(train)
    train.add_argument(
        "--repeat", type=int, metavar="N", help="train over N seeds; saves no version"
    )
    _add_jobs(train)
    train.add_argument("--notes", default="", help="a line about this version")
    _add_storage(train)

    search = commands.add(
        "optimize", training_commands.optimize_params, "search parameters, out of fold"
    )
    _add_params(search)
    search.add_argument("--trials", type=int, default=30, metavar="N")
    search.add_argument(
        "--trials-file", type=Path, help="save trials in this SQLite file, and continue from it"
    )
    _add_jobs(search)

    freeze = commands.add("release", training_commands.release, "freeze the workspace under a name")
    freeze.add_argument("name", help="as in v0.3.0")
    freeze.add_argument("--notes", default="", help="a line about this release")
    freeze.add_argument(
        "--link", action="append", metavar="NAME=ADDRESS", help="a link for its card, repeatable"
    )
    freeze.add_argument("--to", metavar="SOURCE", help="another home than --models")

    demo = commands.add(
        "demo-versions", training_commands.make_demo_versions, "make the releases of the demo"
    )
    _add_params(demo)
    _add_jobs(demo)


def _add_versions(commands: Commands) -> None:
    versions = commands.add(
        "versions", version_commands.list_versions, "list versions, or describe one"
    )
    versions.add_argument("version", nargs="?", help="[default: all, with their key metrics]")
    params = commands.add("params", version_commands.show_params, "show a version's parameters")
    params.add_argument("version", nargs="?", help="[default: the latest]")
    params.add_argument("name", nargs="?", help="one parameter")
    performance = commands.add(
        "performance", version_commands.show_performance, "show a version's performance"
    )
    performance.add_argument("version", nargs="?", help="[default: the latest]")
    performance.add_argument(
        "--filter", metavar="GROUP", help="overall, class, slices or behavioral"
    )
    diff = commands.add("diff", version_commands.diff_versions, "compare two versions: B − A")
    diff.add_argument("a", metavar="A")
    diff.add_argument("b", metavar="B")
    diff.add_argument(
        "--fail-on", choices=["worse"], help="exit with 3 where a figure got worse for certain"
    )
    _add_evaluate(commands)
    _add_report(commands)
    plot = commands.add("plot", version_commands.plot, "save a plot as PNG, PDF or SVG")
    plot.add_argument("what", choices=["tags", "history", "diff"])
    plot.add_argument("versions", nargs="*", metavar="VERSION", help="for diff: A and B")
    plot.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    plot.add_argument("--min-tag-freq", type=int, default=30, metavar="N", help="for tags")
    plot.add_argument("--metric", default="f1", choices=["f1", "precision", "recall"])
    behavioral = commands.add(
        "evaluate-behavioral",
        version_commands.evaluate_behavioral,
        "score versions on the behavioral tests of now; no version is changed",
    )
    behavioral.add_argument("--version", help="with its failed tests [default: every version]")
    _add_trust(behavioral)


def _add_evaluate(commands: Commands) -> None:
    evaluate = commands.add(
        "evaluate",
        version_commands.evaluate_parts,
        "score and evaluate Parquet files part by part, however large they are together",
    )
    evaluate.add_argument("version", help="the version that predicts")
    evaluate.add_argument(
        "parts", type=Path, help="a folder of Parquet files with id, title, description and tags"
    )
    evaluate.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="where predictions are written"
    )
    evaluate.add_argument(
        "--split", default="", metavar="NAME", help="only rows whose column split has it"
    )
    evaluate.add_argument(
        "--top", type=int, default=50, metavar="K", help="the most probabilities a project [50]"
    )
    evaluate.add_argument(
        "--floor", type=float, default=0.01, metavar="P", help="lower ones are left out [0.01]"
    )
    _add_jobs(evaluate)


def _add_report(commands: Commands) -> None:
    report = commands.add(
        "report", report_commands.write_report, "write a report to send: one HTML file"
    )
    report.add_argument("a", metavar="A", help="a version")
    report.add_argument("b", metavar="B", nargs="?", help="what is compared with A: B − A")
    report.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="[default: report.html]",
    )
    report.add_argument("--reviews", default=os.environ.get("TAGIFAI_REVIEWS", ""), metavar="FILE")


def _add_texts(commands: Commands) -> None:
    predict = commands.add("predict", text_commands.predict, "predict the tags of texts")
    predict.add_argument("texts", nargs="*", help="texts; none: lines of standard input")
    predict.add_argument("--version", help="[default: the latest that can predict]")
    _add_trust(predict)
    clean = commands.add(
        "preprocess", text_commands.preprocess, "show what the classifier reads of a text"
    )
    clean.add_argument("text", nargs="?", help="none: standard input")
    clean.add_argument("--no-lower", action="store_true", help="keep upper case")
    clean.add_argument("--stem", action="store_true", help="words to their stems")
    clean.add_argument("--filters", help="what this regular expression matches becomes a space")
    clean.add_argument(
        "--stopwords", help="words left out, separated by spaces [default: the language's]"
    )
    clean.add_argument(
        "--language", metavar="NAME", help="a name or an ISO code [default: that of the data]"
    )


def _add_version(commands: Commands) -> None:
    text = "add a version of any predictor, or of its predictions"
    add = commands.add("add-version", predictor_commands.add_version, text)
    add.add_argument("name", help="the version's name, or workspace")
    add.add_argument(
        "--predictor", metavar="KIND:SOURCE", help="as in sklearn:model.skops or http:URL"
    )
    add.add_argument("--predictions", type=Path, metavar="FILE", help=PREDICTIONS)
    add.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the predictor's kind; may be repeated",
    )
    add.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="of a batch [default: 120, or its own]"
    )
    add.add_argument(
        "--batch-size", type=int, metavar="N", help="the most texts of a batch [default: its own]"
    )
    _add_choices(add, predictor_commands.TUNED)


def _add_import_predictions(commands: Commands) -> None:
    text = "the same as add-version NAME --predictions FILE --thresholds 0.5"
    bring = commands.add("import-predictions", predictor_commands.add_version, text)
    bring.add_argument("name", help="the version's name, or workspace")
    bring.add_argument("predictions", type=Path, metavar="file", help=PREDICTIONS)
    bring.set_defaults(predictor=None, option=[], timeout=None, batch_size=None)
    _add_choices(bring, "0.5")


def _add_choices(command: argparse.ArgumentParser, thresholds: str) -> None:
    """Add how a version is made of probabilities, wherever they come from."""
    command.add_argument(
        "--thresholds",
        "--threshold",
        default=thresholds,
        metavar="tuned|NUMBER|FILE",
        help="tuned on projects that it did not see, one for all tags, or a JSON file "
        f"[default: {thresholds}]",
    )
    command.add_argument("--calibrate", choices=["platt", "isotonic"], help="[default: not]")
    command.add_argument("--split-of", metavar="VERSION", help="take the split of another version")
    command.add_argument("--seed", type=int, default=0, help="of a new split [default: 0]")
    command.add_argument(
        "--tags",
        type=Path,
        metavar="FILE",
        help="the tags in the order of the columns, where nothing else names them: a JSON list, "
        "or one a line",
    )
    command.add_argument(
        "--map",
        type=Path,
        metavar="FILE",
        help='tags by other names for them: {"LABEL_3": "nlp", "spam": null}; null leaves one out',
    )
    command.add_argument("--notes", default="", help="a line about this version")
    command.add_argument(
        "--out-of-fold",
        choices=OUT_OF_FOLD,
        default="unknown",
        help="whether probabilities of train projects come from models that did not see them; "
        "unless they do, label errors and thresholds use val and test alone [default: unknown]",
    )
    _add_storage(command)
    files = command.add_argument_group("files of predictions")
    files.add_argument(
        "--logits", action="store_true", help="values are logits: take the sigmoid of each"
    )
    files.add_argument(
        "--missing",
        choices=["refuse", "zero"],
        default="refuse",
        help="what a tag that a row leaves out means: a mistake, or 0 [default: refuse]",
    )
    files.add_argument("--encoding", default="", metavar="NAME", help="of CSV [default: detected]")
    files.add_argument(
        "--delimiter", default="", metavar="SIGN", help="between cells of CSV [default: detected]"
    )


def _add_storage(command: argparse.ArgumentParser) -> None:
    """Add which probabilities a version stores, and how exactly."""
    storage = command.add_argument_group(
        "which probabilities are stored: all of up to 20 million; of more, those of true labels "
        "and of what is predicted, and"
    )
    storage.add_argument("--floor", type=float, metavar="P", help="from here on [default: 0.01]")
    storage.add_argument(
        "--top-k", type=int, metavar="K", help="the K most probable of a project [default: 50]"
    )
    storage.add_argument(
        "--precision", type=int, metavar="BITS", help="of a probability: 16 or 32 [default: 16]"
    )


def _add_import(data: Commands) -> None:
    text = "make a data folder of CSV, JSON, Parquet or Arrow files of other forms"
    bring = data.add("import", data_commands.import_data, text)
    bring.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="CSV, TSV, JSON, JSON lines, Parquet, Arrow, or a folder that `datasets` saved; "
        "several are read one after the other, as their splits where they are called so; or "
        "hf:ORG/DATASET[@REVISION]",
    )
    bring.add_argument(
        "--config", default="", metavar="NAME", help="which configuration of hf:ORG/DATASET"
    )
    bring.add_argument("--to", type=Path, metavar="DIR", help="a folder without projects")
    bring.add_argument(
        "--dry-run", action="store_true", help="report what was understood, write nothing"
    )
    columns = bring.add_argument_group(
        "which column holds what, where names and cells do not say it"
    )
    for flag, metavar, text in (
        ("--text", "COL", "the texts"),
        ("--title", "COL", "titles, which are read before the texts; none"),
        ("--id", "COL", "ids; none: the numbers of the rows"),
        ("--tags", "COL[,COL…]", "columns with tags in their cells"),
        ("--separator", "SIGN", "what stands between tags, as ';' or '<>' for <a><b>; none"),
        ("--one-hot", "COL,COL", "columns of 0 and 1 that are tags; all"),
        ("--names", "FILE", "what numbers stand for: a file, a,b,c or 1=a,2=b; none keeps them"),
        ("--split", "COL", "train, val or test; none"),
        ("--leave-out", "COL,COL", "columns that are left out"),
        ("--encoding", "NAME", "as in utf-8, windows-1252"),
        ("--delimiter", "SIGN", "what stands between cells, as ';' or tab"),
        ("--header", "COL,COL", "names of the columns of a file without a header"),
    ):
        columns.add_argument(flag, default="", metavar=metavar, help=text)
    columns.add_argument(
        "--multi-hot", action="store_true", help="a list of 0 and 1, one for each of --names"
    )
    for flag, choices, text in (
        ("--quoting", ("standard", "backslash", "none"), 'a quote within quotes: "", \\", or none'),
        ("--unlabelled", ("leave-out", "negative"), "what -1 or a blank one-hot cell means"),
        ("--untagged", ("negative", "unlabelled"), "what no tag means, for data.toml"),
    ):
        columns.add_argument(flag, choices=choices, default="", help=text)


def _add_reviews(commands: Commands) -> None:
    where = argparse.ArgumentParser(add_help=False, parents=[commands.shared])
    where.add_argument(
        "--reviews",
        default=os.environ.get("TAGIFAI_REVIEWS", ""),
        metavar="FILE",
        help=f"where they are saved [default: {REVIEWS_FILE} in the data folder]",
    )
    reviews = commands.group("reviews", "list, export, import or apply reviews of labels", where)
    reviews.add("list", review_commands.list_reviews, "list what the reviews come to")
    write = reviews.add("export", review_commands.export, "write the reviews as a file")
    write.add_argument("--format", choices=FORMATS, default="jsonl", help="[default: jsonl]")
    write.add_argument("-o", "--output", type=Path, metavar="FILE", help="[standard output]")
    write.add_argument(
        "--version", help="whose predictions go along [default: the latest that has some]"
    )
    write.add_argument(
        "--ask",
        type=int,
        default=0,
        metavar="N",
        help="ask about the N most suspicious pairs of each queue, too (label-studio, argilla)",
    )
    bring = reviews.add("import", review_commands.import_file, "keep the reviews of a file")
    bring.add_argument("file", type=Path)
    bring.add_argument("--format", choices=FORMATS, help="[default: detected]")
    bring.add_argument(
        "--new-tags",
        action="store_true",
        help="take a tag that is added, and that the data does not have, as a new one",
    )
    bring.add_argument(
        "--take-back-missing",
        action="store_true",
        help="take back the decisions of annotations that the file's tasks no longer have",
    )
    put = reviews.add("apply", review_commands.apply, "write corrected data to a new folder")
    put.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    config = reviews.add("config", review_commands.show_config, "print Label Studio's interface")
    config.add_argument(
        "--version", help="whose tags to offer [default: the latest that has predictions]"
    )


def _add_users(commands: Commands) -> None:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--auth-file",
        type=Path,
        default=Path(os.environ.get("TAGIFAI_AUTH_FILE") or "users.json"),
        metavar="FILE",
        help="where they are saved [default: users.json]",
    )
    shared.add_argument("--json", action="store_true", help="print one JSON document")
    users = commands.group("users", "who may log in: add, remove, list", shared)
    for name, run, text in (
        ("add", review_commands.add_user, "add a user, or give one a new password"),
        ("remove", review_commands.drop_user, "remove a user"),
        ("list", review_commands.list_users, "list the users' names"),
    ):
        command = users.add(name, run, text)
        if name != "list":
            command.add_argument("name")


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trust-pickle",
        action="store_true",
        help="load model.pkl where version.json records its SHA-256",
    )


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to use")
    parser.add_argument(
        "--cluster",
        default=os.environ.get("TAGIFAI_CLUSTER", ""),
        metavar="ADDRESS",
        help="spread the work: tcp://HOST:PORT of a Dask scheduler, or local:N for N workers here",
    )
    parser.add_argument(
        "--cluster-folder",
        type=Path,
        default=os.environ.get("TAGIFAI_CLUSTER_FOLDER") or None,
        metavar="DIR",
        help="a folder that all machines of the cluster share [default: that of temporary files]",
    )


def _add_params(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a parameter, as in --set seed=3 (see `params`)",
    )
    parser.add_argument("--params", type=Path, metavar="FILE", help="a params.json to start from")
