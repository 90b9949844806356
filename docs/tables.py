"""Write into README.md and the pages of docs/ what comes from the program.

Tables stand between markers: settings, commands, lines and options of predictors, recorded figures.
Each
`console` block starts with `$ `, a command, and is filled with what that command prints;
`| head -n 9` after it keeps the first nine lines. A block that begins with ```console data=DIR
needs data that a machine may not have: it is filled by `--data PATH` alone, with PATH in place of
DIR.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README, DOCS = ROOT / "README.md", ROOT / "docs"
BEGIN, END = "<!-- {}: made by `just docs-tables` -->", "<!-- {}: end -->"
MARKED = re.compile(
    r"^<!-- (?P<name>[\w :]+): made by `just docs-tables` -->\n"
    r"(?P<table>.*?)^<!-- (?P=name): end -->",
    re.M | re.S,
)
SECURITY = re.compile(r"<!-- security: made by .*?-->\n(.*?)<!-- security: end -->", re.S)
CONSOLE = re.compile(
    r"(?<=^```console\n)\$ (?P<command>[^\n]+)\n(?P<output>.*?)(?=^```$)", re.M | re.S
)
KEPT = re.compile(
    r"^```console data=(?P<data>\S+)\n\$ (?P<command>[^\n]+)\n(?P<output>.*?)(?=^```$)", re.M | re.S
)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
KIND_ROW = re.compile(
    r"^\| (?:`(?P<first>[^|`]+)`|none) \| `(?P<spec>(?P<kind>\w+):[^|` ]+)` \|", re.M
)
FIRST_LINES = re.compile(r" *\| head -n (\d+)$")
ATTRIBUTE = re.compile(r"^    (\w[\w, ]*?)(?: : [^\n]*)?\n((?:        [^\n]*\n?)+)", re.M)
LARGE = 200_000
# The recorded rows that the README shows: work, size, and what it is compared to.
HEADLINES = {
    "time from slider to lists, of a tuned Streamlit page's": (
        "slider key to lists",
        203_200,
        "to Streamlit, tuned",
    ),
    "time from slider to plots, of a tuned Streamlit page's": (
        "slider key to plots",
        203_200,
        "to Streamlit, tuned",
    ),
    "memory": ("memory of all", 203_200, "MB"),
    "training, one core": ("training on the real data, one core", 2_032, "s of CPU"),
    "one prediction": ("one prediction", None, "ms"),
}


def pages() -> list[Path]:
    """List the README and every page of the site."""
    return [README, *sorted(DOCS.rglob("*.md"))]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table.

    >>> print(table(["a", ""], [["1", "x"]]))
    | a | |
    | --- | --- |
    | 1 | x |
    """
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = [" | ".join(row) for row in (head, ["---"] * len(head), *cells)]
    return "\n".join(f"| {line} |".replace("|  |", "| |") for line in lines)


def code(text: str) -> str:
    """Write a text as code, nothing where it is empty."""
    return f"`{text}`" if text else ""


def settings_table() -> str:
    """Write the settings as a Markdown table."""
    from tagifai.settings import describe_settings

    return table(
        ("flag", "variable", "default", ""),
        (
            (code(one["flag"]), code(one["variable"]), code(one["default"]), one["help"])
            for one in describe_settings()
        ),
    )


def commands_reference() -> str:
    """Write every command of the command line with its arguments."""
    from tagifai.cli.parser import build_parser
    from tagifai.settings import Settings

    found = list(commands(build_parser()))
    parts = [table(("command", ""), ((f"[`{n}`](#{anchor(n)})", text) for n, text, _ in found))]
    shared = shared_options()
    settings = {one.name for one in fields(Settings)}
    for name, text, parser in found:
        own = {one.dest: one for one in arguments(parser)}
        parts += [f"## {name}", f"{text[:1].upper()}{text[1:]}."]
        if own.keys() >= settings:
            parts += ["It takes every flag of the [settings](settings.md)."]
            own = {dest: one for dest, one in own.items() if dest not in settings}
        if shares := own.keys() >= shared.keys():
            own = {dest: one for dest, one in own.items() if dest not in shared}
        parts += [table(("argument", ""), map(describe, own.values()))] if own else []
        parts += ["Also the [shared options](#shared-options)."] if shares else []
    parts += ["## Shared options", "Most commands take these:"]
    return "\n\n".join([*parts, table(("argument", ""), map(describe, shared.values()))])


def anchor(name: str) -> str:
    """Return the anchor of a heading of plain words."""
    return name.replace(" ", "-")


def commands(
    parser: argparse.ArgumentParser, prefix: str = ""
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield each command's name, what it does, and its parser; groups stand for their commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                name, inner = prefix + choice.dest, action.choices[choice.dest]
                below = list(commands(inner, f"{name} "))
                yield from below or [(name, choice.help or "", inner)]


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """List the arguments of a command, without `--help`."""
    return [one for one in parser._actions if one.dest != "help"]


def shared_options() -> dict[str, argparse.Action]:
    """Return the options that most commands share, by what they set."""
    from tagifai.cli.parser import _shared_arguments

    return {one.dest: one for one in arguments(_shared_arguments())}


def describe(action: argparse.Action) -> tuple[str, str]:
    """Return an argument as one writes it, and its help."""
    names, choices = list(action.option_strings), "|".join(map(str, action.choices or ()))
    text = (action.help or "").replace("%%", "%").replace("<", r"\<")
    if action.default and action.default is not True and "default" not in text:
        text = f"{text} [default: {action.default}]".lstrip()
    if not names:
        told = f"one of {choices.replace('|', ', ')}" if choices else ""
        return code(str(action.metavar or action.dest)), text or told
    if action.nargs != 0:
        names[-1] += f" {action.metavar or choices or action.dest.upper()}"
    return ", ".join(map(code, names)), text


def options_table(kind: str) -> str:
    """Write the options of a kind of predictor, from the attributes of its `Options`."""
    options = import_module(f"tagifai.models.adapters.{kind}").Options
    attributes = options.__doc__.partition("----------\n")[2]
    rows = []
    for names, text in ATTRIBUTE.findall(attributes):
        for name in names.split(", "):
            default = getattr(options(), name)
            shown = "" if default in ("", {}) or len(str(default)) > 40 else str(default)
            words = " ".join(text.replace("``", "`").split())
            rows.append((code(name), code(shown), words))
    return table(("option", "default", ""), rows)


def lines_block(kind: str) -> str:
    """Write the three lines for a kind of predictor, as the README's table has them."""
    readme = README.read_text("utf-8")
    (common,) = (one for one in SHELL.findall(readme) if "--predictor KIND:SOURCE" in one)
    (row,) = (one for one in KIND_ROW.finditer(readme) if one["kind"] == kind)
    first = f"{row['first']}\n" if row["first"] else ""
    return f"```sh\n{first}{common.replace('KIND:SOURCE', row['spec'])}```"


def benchmarks_table() -> str:
    """Write what the recorded run of `just bench` holds against its limits."""
    from benchmarks.report import claims_of_record

    return claims_of_record()


def scale_table() -> str:
    """Write the rows of the recorded run that were measured on much data."""
    from benchmarks.report import claims_of_record

    return claims_of_record(least=LARGE)


def statistics_table() -> str:
    """Write the key rows of the recorded run of `just statistics`."""
    from benchmarks.statistics.report import key_rows

    return key_rows()


def headlines_table() -> str:
    """Write a few recorded figures, each with the command that prints it."""
    from benchmarks.report import figures_of_record
    from benchmarks.statistics.report import count_rows

    found = figures_of_record(HEADLINES.values())
    rows = [
        (f"{label}, {wanted[1]:,} projects" if wanted[1] else label, found[wanted], "`just bench`")
        for label, wanted in HEADLINES.items()
        if wanted in found
    ]
    held, attacks = count_attacks((DOCS / "attacks.md").read_text("utf-8"))
    rows.append(("attacks that fail, of those tried", f"{held} of {attacks}", "`just security`"))
    held, claims = count_rows()
    rows.append(("statistical claims that hold", f"{held} of {claims}", "`just statistics`"))
    return table(("", "measured", "printed by"), rows)


def count_attacks(page: str) -> tuple[int, int]:
    """Count the attacks that the page lists: those that failed, and all."""
    found = SECURITY.search(page)
    rows = [line for line in (found[1] if found else "").splitlines()[2:] if line.startswith("|")]
    return sum(row.endswith("| yes |") for row in rows), len(rows)


OF_KIND: dict[str, Callable[[str], str]] = {"options": options_table, "lines": lines_block}
TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "commands": commands_reference,
    "benchmarks": benchmarks_table,
    "scale": scale_table,
    "statistics": statistics_table,
    "headlines": headlines_table,
}


def make(name: str) -> str:
    """Write the table of a marker, as in "settings" or "options http"."""
    first, _, kind = name.partition(" ")
    return OF_KIND[first](kind) if kind else TABLES[name]()


def with_tables(page: str) -> str:
    """Put today's tables between a page's markers."""

    def filled(found: re.Match[str]) -> str:
        name = found["name"]
        return f"{BEGIN.format(name)}\n{make(name)}\n{END.format(name)}"

    return MARKED.sub(filled, page)


def console_blocks(page: str) -> dict[str, str]:
    """List a page's commands and what it says that they print."""
    return {found["command"]: found["output"] for found in CONSOLE.finditer(page)}


def with_outputs(page: str) -> str:
    """Put what its commands print into a page."""
    return CONSOLE.sub(lambda one: f"$ {one['command']}\n{output_of(one['command'])}", page)


def output_of(command: str, data: dict[str, str] | None = None) -> str:
    """Run a page's command, as in `python -m tagifai versions`, and return what it prints.

    `data` holds words to put in place of the command's own.
    """
    words = [(data or {}).get(word, word) for word in shlex.split(FIRST_LINES.sub("", command))]
    if words[:3] != ["python", "-m", "tagifai"]:
        raise ValueError(f"pages show `python -m tagifai …`, not {command!r}")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TAGIFAI_")}
    done = subprocess.run(  # noqa: S603 - this very program, with a page's words
        [sys.executable, *words[1:]],
        cwd=ROOT,
        env={**environment, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=True,
        timeout=3600,
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    limit = FIRST_LINES.search(command)
    return "\n".join(lines[: int(limit[1])] if limit else lines) + "\n"


def with_data(page: str, path: str) -> str:
    """Fill the blocks that need data with what their commands print for the data at `path`."""

    def filled(found: re.Match[str]) -> str:
        output = output_of(found["command"], {found["data"]: path})
        return f"```console data={found['data']}\n$ {found['command']}\n{output}"

    return KEPT.sub(filled, page)


def main(words: Sequence[str] | None = None) -> int:
    """Bring the pages up to date and return 0; with `--check` write nothing, 3 if one is stale."""
    parser = argparse.ArgumentParser(
        prog="just docs-tables", description=__doc__.partition("\n")[0]
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--tables", action="store_true", help="the tables alone: run no command")
    which.add_argument("--data", metavar="DIR", help="only what needs the data in DIR; minutes")
    which.add_argument("--check", action="store_true", help="write nothing, exit with 3 if stale")
    options = parser.parse_args(words)
    stale = 0
    for path in pages():
        before = path.read_text("utf-8")
        if options.data:
            after = with_data(before, options.data)
        else:
            after = with_tables(before)
            after = after if options.tables else with_outputs(after)
        if after != before:
            stale = 3
            print(path.relative_to(ROOT))  # noqa: T201 - for the person at the terminal
            if not options.check:
                path.write_text(after, "utf-8")
    return stale if options.check else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
