"""What repeats on the page as HTML; the macros of `templates/markup.html` draw it.

A template imports these macros itself: these functions serve code that joins strings.
"""

from collections.abc import Sequence

from markupsafe import Markup

from tagifai.charts.tables import show_table as show_table
from tagifai.charts.tables import show_terms as show_terms
from tagifai.ui.views.templates import macro

# Saves a text as a file in the browser; nothing is written on the server.
SAVE_FILE = """
(text, name) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'text/plain'}));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
"""
# A row with a key, clicked or entered, sends its key with a "select" event; `put_row` reads it too.
CHOOSE_ROW = """
const choose = (event) => {
  const row = event.target.closest('[data-key]');
  if (!row) return;
  window.tagifaiRow = row.dataset.key;
  trigger('select', {key: row.dataset.key});
};
element.addEventListener('click', choose);
element.addEventListener('keydown', (event) => { if (event.key === 'Enter') choose(event); });
"""


def show_error(error: Exception) -> str:
    """Show what went wrong as a notice that stays on the page."""
    return str(macro("notice", error))


def show_note(text: str) -> str:
    """Show a line of help or warning; `text` is the program's own markup."""
    return str(macro("note", Markup(text)))  # noqa: S704


def show_counts(rows: Sequence[tuple[str, int]], *, title: str, empty: str) -> str:
    """Show (tag, count) as a small table with a heading."""
    return str(macro("counts", rows, title, empty))


def show_chips(names: Sequence[str]) -> str:
    """Show tags as chips."""
    return str(macro("chips", names))


def show_cloud(words: Sequence[tuple[str, int]], *, title: str, empty: str) -> str:
    """Show (word, count) as a cloud: the more projects hold a word, the larger it is."""
    most = max((count for _, count in words), default=1)
    sized = [
        (word, count, 0.75 + 1.75 * (count / most) ** 0.6)
        for word, count in sorted(words, key=lambda row: _scatter(row[0]))
    ]
    return str(macro("cloud", sized, title, empty))


def show_share(value: float | None) -> str:
    """Show a value in [0, 1] with a bar behind it."""
    return str(macro("share", value))


def _scatter(word: str) -> int:
    # A fixed order that mixes large and small words, the same on each machine.
    return sum((place + 1) * 7919 * ord(char) for place, char in enumerate(word)) % 104729
