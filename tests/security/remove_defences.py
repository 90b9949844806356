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
            (("ui/server/limits.py", "if is_foreign(method, headers, framed=bool("
              "doors.framed_by)):", "if False:"),)),
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
            (("services/turns.py", "if self._called[call] >= self.waiting:", "if False:"),)),
    Defence("queue", "so many wait in the line of one function, and no more",
            (("ui/gradio_fixes/queues.py",
              "if line is not None and not self._has_room(line, sender):", "if False:"),)),
    Defence("bodies", "bodies are measured, whether they say their length or not",
            (("ui/server/limits.py", "if len(body) > most:", "if False:"),
             ("ui/server/limits.py", "int(length) > most:", "False:"))),
    Defence("held", "the oldest unfinished body makes room for others",
            (("ui/server/shares.py", "if one is not held and one.house == house and one.size and "
              "not one.complete:", "if False:"),)),
    Defence("unread", "answers are packed, and weighed until they are fetched",
            (("ui/gradio_fixes/queues.py", "_WORTH_PACKING = 64 * 1024",
              "_WORTH_PACKING = 2**60"),)),
    Defence("sockets", "connections have limits, by address and in all",
            (("ui/server/connections.py",
              'if self._connections.add(self, self.client[0] if self.client else ""):',
              "if True:"),)),
    Defence("crowd", "names that are none are not hashed",
            (("services/users.py", "            await asyncio.sleep(self._took)\n",
              '            await self._hashed(self._users()["ann"], password)\n'),)),
    Defence("crowd", "a name waits where it was guessed alone",
            (("services/users.py", "        name = name[: MAX_NAME + 1]\n",
              '        name, address = name[: MAX_NAME + 1], ""\n'),)),
    Defence("greedy", "each has their turn, and leaves room for others",
            (("ui/gradio_fixes/queues.py",
              "event = min(ready, key=lambda one: self._turn_of(_sender(one), of_house))",
              "event = ready[0]"),
             ("ui/gradio_fixes/queues.py", "OF_FUNCTION, OF_PAGE = 2, 3",
              "OF_FUNCTION, OF_PAGE = 99, 99"),
             ("ui/gradio_fixes/queues.py", "for_house = max(1, (limit or AT_ONCE) - 1)",
              "for_house = 99"))),
    Defence("spelt", "calls are counted by what the router finds",
            (("ui/server/limits.py", "self._turns.turn(sender.house, sender.name, function._id)",
              'self._turns.turn(sender.house, sender.name, str(call.get("fn_index")))'),)),
    Defence("uploads", "uploads have a limit by the hour",
            (("ui/server/limits.py", "self._uploads.check(sender.house)", "pass"),)),
    Defence("uploads", "uploads are counted for each visitor",
            (("ui/server/limits.py", "self._uploads.check(sender.house)",
              'self._uploads.check("all")'),
             ("ui/server/limits.py", "self._uploads.count(sender.house, piece)",
              'self._uploads.count("all", piece)'))),
    Defence("sessions", "a login ends with its user and password",
            (("ui/server/serving.py", "        let_logins_end(demo, logins)\n",
              "        pass\n"),)),
    Defence("cross-login", "another site's page logs nobody in",
            (("ui/server/limits.py", 'if path.rstrip("/") == "/login":', "if False:"),)),
    Defence("routes", "what is not there is not called",
            (("ui/server/limits.py",
              'raise RefusedError(404, "there is no such function") from None', "pass"),)),
    Defence("routes", "nobody waits for what never comes",
            (("ui/server/limits.py", "if self.page is not None and waits_in_vain(",
              "if False and waits_in_vain("),)),
    Defence("absolute", "answers name folders alone",
            (("ui/server/serving.py", "demo.places = Places.of(settings)", "pass"),)),
    Defence("params", "parameters have a limit",
            (("store/parsing.py", "if len(content) > MAX_PARAMS:", "if False:"),)),
    Defence("owner", "the owner is known by a token",
            (("permissions.py", "if visit.owner if self.token else self._is_here(visit):",
              "if visit.owner or self._is_here(visit):"),)),
    Defence("rebinding", "the app is served under its own names",
            (("ui/server/limits.py",
              'if not by_path and not doors.hosts.serve(headers.get("host", "")):', "if False:"),)),
    Defence("rebinding", "no header says another name",
            (("ui/server/limits.py", 'if name == b"x-gradio-server":', "if False:"),
             ("ui/server/limits.py", 'if name != b"x-forwarded-host":', "if True:"))),
    Defence("end", "what is open is finished",
            (("ui/server/serving.py", "SECONDS_TO_END = 5", "SECONDS_TO_END = 0"),)),
    Defence("api-uploads", "no uploads where none are used",
            (("ui/server/serving.py", "uploads=not endpoints_only,", "uploads=True,"),)),
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
