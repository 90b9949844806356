"""Rewrite what the README shows of the program: its settings, and what its commands print.

The settings stand between two markers. Each `console` block starts with `$ `, a command, and
is filled with what that command prints; `| head -n 9` after it keeps the first nine lines.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- settings: made by `just readme` -->", "<!-- settings: end -->"
CONSOLE = re.compile(
    r"(?<=^```console\n)\$ (?P<command>[^\n]+)\n(?P<output>.*?)(?=^```$)", re.M | re.S
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


def with_settings(readme: str) -> str:
    """Put today's settings between the README's markers."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{settings_table()}\n{END}{after}"


def console_blocks(readme: str) -> dict[str, str]:
    """List the README's commands and what it says that they print."""
    return {found["command"]: found["output"] for found in CONSOLE.finditer(readme)}


def output_of(command: str) -> str:
    """Run one of the README's commands, as in `python -m tagifai versions`; give what it prints."""
    words = shlex.split(FIRST_LINES.sub("", command))
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
        timeout=600,
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    limit = FIRST_LINES.search(command)
    return "\n".join(lines[: int(limit[1])] if limit else lines) + "\n"


def main() -> None:
    """Bring the README up to date; with the argument `settings`, their table alone."""
    readme = with_settings(README.read_text("utf-8"))
    if sys.argv[1:] == ["settings"]:
        README.write_text(readme, "utf-8")
        return
    readme = CONSOLE.sub(
        lambda found: f"$ {found['command']}\n{output_of(found['command'])}", readme
    )
    README.write_text(readme, "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
