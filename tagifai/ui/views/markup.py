"""Plain data → markup; every word from data passes through `escaped`."""

from collections.abc import Sequence

from tagifai.charts.svg import escaped
from tagifai.charts.tables import show_table as show_table
from tagifai.charts.tables import show_terms as show_terms

# The browser keeps a text as a file; nothing is written on the server.
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
    return f'<div class="notice error" role="alert">{escaped(error, 600)}</div>'


def show_note(text: str) -> str:
    """Show a line of help or warning; `text` is the program's own, or escaped."""
    return f'<p class="note">{text}</p>'


def show_counts(rows: Sequence[tuple[str, int]], *, title: str, empty: str) -> str:
    """Show (tag, count) as a small table with a heading."""
    if not rows:
        return (
            f'<div class="counts"><h4>{title}</h4><p class="minor">{escaped(empty, 300)}</p></div>'
        )
    body = "".join(
        f"<tr><td>{escaped(tag)}</td><td class='number'>{count:,}</td></tr>" for tag, count in rows
    )
    return (
        f'<div class="counts"><h4>{title}</h4><table><thead><tr><th>tag</th>'
        f'<th class="number">projects</th></tr></thead><tbody>{body}</tbody></table></div>'
    )


def show_chips(names: Sequence[str]) -> str:
    """Show tags as chips."""
    return "".join(f'<span class="chip">{escaped(name)}</span> ' for name in names)


def show_cloud(words: Sequence[tuple[str, int]], *, title: str, empty: str) -> str:
    """Show (word, count) as a cloud: the more projects hold a word, the larger it is."""
    if not words:
        return f'<div class="cloud-box"><p class="minor">{escaped(empty, 300)}</p></div>'
    most = max(count for _, count in words)
    items = "".join(
        f'<li style="font-size:{0.75 + 1.75 * (count / most) ** 0.6:.2f}rem" '
        f'class="tint{number % 4}" title="{escaped(word)}: {count} projects">{escaped(word)}</li>'
        for number, (word, count) in enumerate(sorted(words, key=lambda row: _scatter(row[0])))
    )
    return (
        f'<figure class="cloud-box"><figcaption>{escaped(title, 200)}</figcaption>'
        f'<ul class="cloud">{items}</ul></figure>'
    )


def show_share(value: float | None) -> str:
    """Show a value in [0, 1] with a bar behind it."""
    if value is None:
        return "–"
    return f'<span class="share" style="--share:{100 * value:.1f}%">{value:.3f}</span>'


def _scatter(word: str) -> int:
    # A fixed order that mixes large and small words, the same on each machine.
    return sum((place + 1) * 7919 * ord(char) for place, char in enumerate(word)) % 104729
