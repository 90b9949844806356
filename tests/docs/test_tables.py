"""What docs/tables.py writes into the pages is there, and is what the program says today."""

import argparse
import os
import re
import runpy
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest

from tagifai.cli.parser import build_parser, main
from tagifai.models.predictor_spec import KINDS
from tagifai.settings import describe_settings

ROOT = Path(__file__).parents[2]
made = runpy.run_path(str(ROOT / "docs" / "tables.py"))
PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in made["pages"]()}
BLOCKS = {
    command: output
    for page in PAGES.values()
    for command, output in made["console_blocks"](page).items()
    if command.startswith("python -m tagifai ") and "serve-api" not in command
}


@pytest.mark.parametrize(
    "name", [name for name, page in PAGES.items() if "docs-tables` -->" in page]
)
def test_tables_are_those_of_the_program(name):
    assert made["with_tables"](PAGES[name]) == PAGES[name], "run `just docs-tables --tables`"


def test_every_table_stands_on_a_page():
    names = [one["name"] for page in PAGES.values() for one in made["MARKED"].finditer(page)]
    assert len(names) == len(set(names))
    assert set(made["TABLES"]) <= set(names)


def section(page, title):
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_command_and_option_is_in_the_reference():
    page = PAGES["docs/command-line.md"]
    shared = section(page, "Shared options")
    settings = {one["flag"] for one in describe_settings()}
    seen = 0
    for name, _, parser in made["commands"](build_parser()):
        text = section(page, name)
        assert text, name
        known = text + (shared if "(#shared-options)" in text else "")
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction):
                continue
            for flag in action.option_strings or [str(action.metavar or action.dest)]:
                here = re.search(rf"`{re.escape(flag)}[ `]", known)
                assert here or ("(settings.md)" in text and flag in settings), (name, flag)
                seen += 1
    assert seen > 200


def test_every_setting_is_on_its_page():
    for one in describe_settings():
        assert f"| `{one['flag']}` | `{one['variable']}` |" in PAGES["docs/settings.md"]


def test_every_option_of_a_kind_is_on_its_page():
    for kind in KINDS:
        fields = import_module(f"tagifai.models.adapters.{kind}").Options.__struct_fields__
        page = PAGES[f"docs/models/{kind}.md"]
        assert [name for name in fields if f"\n| `{name}` |" not in page] == []


@pytest.mark.parametrize("command", BLOCKS)
def test_commands_print_what_is_shown(command, monkeypatch):
    for name in [name for name in os.environ if name.startswith("TAGIFAI_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(ROOT)
    with redirect_stdout(StringIO()) as said:
        assert main(shlex.split(made["FIRST_LINES"].sub("", command))[3:]) == 0
    limit = made["FIRST_LINES"].search(command)
    lines = [line.rstrip() for line in said.getvalue().splitlines()]
    shown = lines[: int(limit[1])] if limit else lines
    assert "\n".join(shown) + "\n" == BLOCKS[command], "run `just docs-tables`"


def test_the_program_prints_what_is_shown():
    command = next(block for block in BLOCKS if " preprocess " in block)
    assert made["output_of"](command) == BLOCKS[command]


def test_what_needs_data_is_kept_with_a_command_that_can_be_read():
    (block,) = made["KEPT"].finditer(PAGES["docs/model-quality.md"])
    _, _, _, *words = shlex.split(made["FIRST_LINES"].sub("", block["command"]))
    options = build_parser().parse_args(words)
    assert str(options.data) == block["data"]
    first = int(dict(pair.split("=") for pair in options.set)["seed"])
    title, _, heading, _, *rows = block["output"].splitlines()
    assert title.startswith(f"Seeds {first} to {first + options.repeat - 1},")
    assert [cell.strip() for cell in heading.strip("┃").split("┃")] == [
        "metric", "mean ± standard deviation", "samples",
    ]  # fmt: skip
    figures = {row.split("│")[1].strip(): row.split("│")[2] for row in rows if "│" in row}
    assert {"f1", "macro f1", "ece", "brier", "seconds", "behavioral MFT"} <= set(figures)
    assert all(" ± " in figure for figure in figures.values())


def test_what_needs_data_is_filled_on_demand(small_data):
    page = "```console data=mine\n$ python -m tagifai data check --data mine --json\nold\n```\n"
    assert made["console_blocks"](page) == {}
    filled = made["with_data"](page, str(small_data))
    assert filled.startswith("```console data=mine\n$ python -m tagifai data check --data mine")
    assert '\n    "projects": 80,\n' in filled
    assert filled.endswith("}\n```\n")


def test_attacks_are_counted():
    row = "| a | b | c | {} |\n"
    page = "<!-- security: made by `x` -->\n| h |\n|---|\n{}<!-- security: end -->"
    rows = row.format("yes") * 2 + row.format("**no**")
    assert made["count_attacks"](page.format(rows)) == (2, 3)
    held, attacks = made["count_attacks"](PAGES["docs/attacks.md"])
    assert 0 < held <= attacks


def test_asking_for_help_changes_nothing():
    before = {path: path.stat().st_mtime_ns for path in made["pages"]()}
    program = str(ROOT / "docs" / "tables.py")
    done = subprocess.run([sys.executable, program, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert all(flag in done.stdout for flag in ("--tables", "--data DIR", "--check"))
    assert {path: path.stat().st_mtime_ns for path in made["pages"]()} == before
