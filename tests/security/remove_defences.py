"""Take each defence away in turn, in a copy of the repository: its attack must then succeed.

    python tests/security/remove_defences.py [ROW …]

A row that stays green without its defence would prove nothing.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "docs", "model")


@dataclass(frozen=True)
class Defence:
    """What holds a row, and the edits (file, text, text in its place) that take it away."""

    row: str
    what: str
    edits: tuple[tuple[str, str, str], ...]
    full: bool = False


DEFENCES = (
    Defence("regex", "a pattern's time is up after 100 ms",
            (("text/saferegex.py", "SECONDS = 0.1\n", "SECONDS = 0.5\n"),)),
    Defence("others", "patterns run in a process of their own",
            (("text/saferegex.py", "lambda plain: self._replace(filters, plain),",
              'lambda plain: __import__("re").sub(filters, " ", plain[:26]),'),), full=True),
    Defence("malformed", "the readers compare ids",
            (("data/unique_ids.py", "if project_id in self._rows:", "if False:"),)),
    Defence("kills", "a review is acknowledged once it is committed",
            (("reviews/__init__.py",
              '                self._connection.execute("BEGIN IMMEDIATE")\n'
              "                # Only an undo",
              "                if not self._connection.in_transaction:\n"
              '                    self._connection.execute("BEGIN IMMEDIATE")\n'
              "                # Only an undo"),
             ("reviews/__init__.py",
              "self._connection.execute(insert, astuple(review))\n"
              '                self._connection.execute("COMMIT")',
              "self._connection.execute(insert, astuple(review))\n"
              '                self._connection.execute("COMMIT" if last and hash(last) % 9 == 0 '
              'else "SELECT 1")'))),
    Defence("writes", "a write asks whether the visitor is a reviewer",
            (("permissions.py", "if visit.user not in self.reviewers:", "if False:"),)),
    Defence("writes", "a write asks which site's page sent it, and other sites' cookies are left "
            "out",
            (("permissions.py", "    if not same:\n", "    if False:\n"),)),
    Defence("foreign", "other sites' cookies are left out",
            (("ui/server/limits.py", 'if is_foreign(scope["method"], headers, framed=bool('
              "self.framed_by)):", "if False:"),)),
    Defence("logins", "a name has to wait after wrong passwords",
            (("services/users.py", "if tries >= FREE_TRIES else 0.0", "if tries < 0 else 0.0"),)),
    Defence("payloads", "texts are escaped in markup",
            (("charts/svg.py", "return html.escape(one_line(text, length))",
              "return one_line(text, length)"),
             ("charts/templating.py", "autoescape=True", "autoescape=False")), full=True),
    Defence("strings", "plots take no text for a formula",
            (("plots.py", "text.set_parse_math(False)", "pass"),)),
    Defence("strings", "labels are cut",
            (("plots.py", "places, [_cut(str(name))", "places, [str(name)"),)),
    Defence("visitors", "sessions keep what changed alone",
            (("ui/gradio_fixes/sessions.py", "demo.app.state_holder = states", "pass"),),
            full=True),
    Defence("queue", "so many wait for one function, and no more",
            (("ui/server/limits.py", "if self._calls[name] >= self.max_waiting:", "if False:"),)),
    Defence("queue", "so many wait in the line of one function, and no more",
            (("ui/gradio_fixes/queues.py",
              "if line is not None and len(line.queue) >= self.max_waiting:", "if False:"),)),
    Defence("bodies", "bodies are measured, whether they say their length or not",
            (("ui/server/limits.py", "if len(body) > self.max_body:", "if False:"),
             ("ui/server/limits.py", "int(length) > most:", "False:"))),
    Defence("slow-texts", "a text has at most 20,000 characters",
            (("services/inference.py", "MAX_TEXT = 20_000", "MAX_TEXT = 20_000_000"),
             ("settings.py", "_option(20_000,", "_option(20_000_000,"))),
    Defence("calls", "what a program sends is looked at",
            (("ui/gradio_fixes/inputs.py", "if why_not := why_refused(component, value):",
              'if why_not := "":'),
             ("ui/events.py", 'text if isinstance(text, str) and len(text) <= MAX_FIELD else ""',
              "text"),
             ("ui/gradio_fixes/inputs.py", "        except Exception as error:\n            what",
              "        except ZeroDivisionError as error:\n            what"))),
    Defence("elsewhere", "a file's address is refused",
            (("ui/server/incoming.py", "    if names_file_elsewhere(call):", "    if False:"),
             ("ui/server/incoming.py",
              "if path.startswith(_FILE) and names_address(path.removeprefix(_FILE)):",
              "if False:"))),
    Defence("drawing", "figures belong to nobody but their caller",
            (("plots.py", 'figure = Figure(figsize=(8, min(height, 40)), layout="constrained")',
              "from matplotlib import pyplot\n    figure = pyplot.figure(figsize=(8, 5))"),)),
    Defence("caches", "an answer is sealed with its key",
            (("store/cache.py", "return content if _seal(key, content) == sealed else None",
              "return content"),)),
    Defence("models", "a model's size is known before it is unpacked",
            (("models/persistence.py", "    _check_size(name, data, limits)\n", ""),)),
    Defence("models", "only known types are built",
            (("models/persistence.py",
              "unknown = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED)",
              "unknown = set()"),
             ("models/persistence.py", "trusted=list(TRUSTED)",
              "trusted=skops.io.get_untrusted_types(data=data)"))),
    Defence("models", "a pickle needs its digest on record",
            (("models/persistence.py",
              "if not isinstance(recorded, str) or not _SHA256.fullmatch(recorded):", "if False:"),
             ("models/persistence.py", "if not hmac.compare_digest(digest, recorded):",
              "if False:"))),
    Defence("names", "names that lead out of the folder are refused",
            (("store/sources.py", "or _NO_NAME.search(name):", "or False:"),)),
    Defence("names", "links are followed inside the folder alone",
            (("store/sources.py", "return path.resolve().is_relative_to(self.path.resolve())",
              "return True"),)),
    Defence("cells", "cells that a spreadsheet would run are guarded",
            (("data/csv_cells.py", 'return "\'" + text', "return text"),)),
)  # fmt: skip


def misplaced() -> list[str]:
    """List the texts of `DEFENCES` that do not stand once in their file."""
    places = [(file, old) for defence in DEFENCES for file, old, _ in defence.edits]
    files = {file: ROOT / "tagifai" / file for file, _ in places}
    texts = {f: path.read_text("utf-8") if path.exists() else "" for f, path in files.items()}
    return [f"{file}: {old!r}" for file, old in places if texts[file].count(old) != 1]


def main(rows: Iterable[str]) -> int:
    """Take away the defences of these rows, or all, and tell which attacks still fail."""
    chosen = [d for d in DEFENCES if not [*rows] or d.row in rows]
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "repository"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT, symlinks=True)
        results = [attack_without(defence, copy) for defence in chosen]
    say(f"{sum(results)} of {len(results)} attacks succeed once their defence is gone")
    return 0 if all(results) else 1


def attack_without(defence: Defence, copy: Path) -> bool:
    """Edit the copy, run the row there, put the files back; tell whether the row turned red."""
    kept = {file: (copy / "tagifai" / file).read_text("utf-8") for file, *_ in defence.edits}
    started = time.monotonic()
    try:
        for file, old, new in defence.edits:
            path = copy / "tagifai" / file
            text = path.read_text("utf-8")
            if text.count(old) != 1:
                raise SystemExit(f"{file} has {text.count(old)} times the text {old!r}; needed 1")
            path.write_text(text.replace(old, new), "utf-8")
        words = [sys.executable, "-m", "pytest", "tests/security", "-k", f"[{defence.row}]",
                 "--long", "-p", "no:cacheprovider", "--no-header", "--tb=line"]  # fmt: skip
        words += ["--full-security"] if defence.full else []
        done = subprocess.run(words, cwd=copy, capture_output=True, text=True)
    finally:
        for file, text in kept.items():
            (copy / "tagifai" / file).write_text(text, "utf-8")
    red = done.returncode == 1 and "1 failed" in done.stdout
    seconds = time.monotonic() - started
    say(f"{'red  ' if red else 'GREEN'} {seconds:6.1f} s  {defence.row}: without: {defence.what}")
    if not red:
        say(done.stdout[-1500:])
    return red


def say(line: str) -> None:
    """Print a line at once: the next one is half a minute away."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
