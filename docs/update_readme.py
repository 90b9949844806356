"""Rewrite what the README shows of the program: settings, commands, and what commands print.

The tables of settings, commands and benchmarks stand between markers. Each `console` block starts
with `$ `, a command, and is filled with what that command prints; `| head -n 9` after it keeps the
first nine lines. A block that begins with ```console data=DIR needs data that a machine may not
have: it is filled on demand alone, by the arguments `data PATH`, with PATH in place of DIR.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- {}: made by `just readme` -->", "<!-- {}: end -->"
CONSOLE = re.compile(
    r"(?<=^```console\n)\$ (?P<command>[^\n]+)\n(?P<output>.*?)(?=^```$)", re.M | re.S
)
KEPT = re.compile(
    r"^```console data=(?P<data>\S+)\n\$ (?P<command>[^\n]+)\n(?P<output>.*?)(?=^```$)", re.M | re.S
)
FIRST_LINES = re.compile(r" *\| head -n (\d+)$")


def settings_table() -> str:
    """Write the settings as a Markdown table."""
    from tagifai.settings import describe_settings

    rows = [
        f"| `{setting['flag']}` | `{setting['variable']}` | "
        f"{'`' + setting['default'] + '`' if setting['default'] else ''} | {setting['help']} |"
        for setting in describe_settings()
    ]
    return "\n".join(["| flag | variable | default | |", "|---|---|---|---|", *rows])


def commands_table() -> str:
    """Write the commands of `python -m tagifai` as a Markdown table."""
    from tagifai.cli.parser import build_parser

    rows = [f"| `{name}` | {text} |" for name, text in _commands(build_parser()).items()]
    return "\n".join(["| command | |", "|---|---|", *rows])


def _commands(parser: argparse.ArgumentParser, prefix: str = "") -> dict[str, str]:
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                inner = _commands(action.choices[choice.dest], f"{prefix}{choice.dest} ")
                found |= inner or {prefix + choice.dest: choice.help or ""}
    return found


def benchmarks_table() -> str:
    """Write what the recorded run of `just bench` holds against its limits."""
    from benchmarks.report import readme_table

    return readme_table()


def statistics_table() -> str:
    """Write the key rows of the recorded run of `just statistics`."""
    from benchmarks.statistics.report import readme_table

    return readme_table()


def with_tables(readme: str) -> str:
    """Put today's tables between the README's markers."""
    tables = {
        "settings": settings_table(),
        "commands": commands_table(),
        "benchmarks": benchmarks_table(),
        "statistics": statistics_table(),
    }
    for name, table in tables.items():
        begin, end = BEGIN.format(name), END.format(name)
        before, _, rest = readme.partition(begin)
        _, _, after = rest.partition(end)
        readme = f"{before}{begin}\n{table}\n{end}{after}"
    return readme


def console_blocks(readme: str) -> dict[str, str]:
    """List the README's commands and what it says that they print."""
    return {found["command"]: found["output"] for found in CONSOLE.finditer(readme)}


def output_of(command: str, data: dict[str, str] | None = None) -> str:
    """Run one of the README's commands, as in `python -m tagifai versions`; give what it prints.

    `data` holds words to put in place of the command's own.
    """
    words = [(data or {}).get(word, word) for word in shlex.split(FIRST_LINES.sub("", command))]
    if words[:3] != ["python", "-m", "tagifai"]:
        raise ValueError(f"the README shows `python -m tagifai …`, not {command!r}")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TAGIFAI_")}
    done = subprocess.run(  # noqa: S603 - this very program, with the README's words
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


def with_data(readme: str, path: str) -> str:
    """Fill the blocks that need data with what their commands print for the data at `path`."""

    def filled(found: re.Match[str]) -> str:
        output = output_of(found["command"], {found["data"]: path})
        return f"```console data={found['data']}\n$ {found['command']}\n{output}"

    return KEPT.sub(filled, readme)


def main() -> None:
    """Bring the README up to date; `tables`: its tables alone; `data PATH`: what needs data."""
    readme = with_tables(README.read_text("utf-8"))
    if sys.argv[1:] == ["tables"]:
        README.write_text(readme, "utf-8")
        return
    if sys.argv[1:2] == ["data"]:
        README.write_text(with_data(readme, sys.argv[2]), "utf-8")
        return
    readme = CONSOLE.sub(
        lambda found: f"$ {found['command']}\n{output_of(found['command'])}", readme
    )
    README.write_text(readme, "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
