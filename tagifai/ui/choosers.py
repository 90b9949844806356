"""Boxes to choose from names: of many names the page holds some, and the server finds others."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from tagifai.data.names import fold_text
from tagifai.errors import TagifaiError
from tagifai.ui.events import Typed

SENT_WHOLE = 500
"""Names that the page is sent all of, and searches itself."""
FOUND = 100
"""Names that it is sent of more."""
HINT = "type to find more"
_MOVES = {
    "ArrowUp",
    "ArrowDown",
    "ArrowLeft",
    "ArrowRight",
    "Home",
    "End",
    "Enter",
    "Escape",
    "Tab",
}
# Asks the server once nobody types for a moment, and never where the page has all names.
_WAIT = """(...given) => new Promise((done) => {
  const box = document.getElementById(%s);
  if (!box?.textContent.includes(%s)) return;
  clearTimeout(box.tagifaiTyping);
  box.tagifaiTyping = setTimeout(() => done(given), %s);
})"""
# What is typed replaces the name that the box holds.
_SELECT = """() => {
  const box = document.getElementById(%s);
  if (!box?.textContent.includes(%s)) return [];
  const field = box.querySelector('input'), select = () => field.select();
  select();
  field.addEventListener('mouseup', select, {once: true});
  setTimeout(() => field.removeEventListener('mouseup', select), 500);
  return [];
}"""

Names = str | Sequence[str] | None


def find_names(names: Sequence[str], query: str, most: int = FOUND) -> list[str]:
    """Return the first names that hold a text, those that begin with it before the others.

    >>> find_names(["graph-nets", "nlp", "subgraph", "Graphics"], "graph")
    ['graph-nets', 'Graphics', 'subgraph']
    """
    wanted = fold_text(query.strip())
    if not wanted:
        return list(names[:most])
    first: list[str] = []
    others: list[str] = []
    for name in names:
        folded = fold_text(name)
        if wanted in folded:
            (first if folded.startswith(wanted) else others).append(name)
    return [*first, *others][:most]


def offer(names: Sequence[str], chosen: Names, query: str = "") -> gr.Dropdown:
    """Offer names in a box, whose value stays: all of them, or some and those chosen.

    Parameters
    ----------
    names
        All names that can be chosen.
    chosen
        What the box holds.
    query
        What was typed to find a name, where there are many.
    """
    if len(names) <= SENT_WHOLE:
        return gr.Dropdown(list(names))
    # Rows of tables choose names that the box does not offer: whoever takes the value checks it.
    return gr.Dropdown(
        _some(names, chosen, query), allow_custom_value=True, info=_count_names(names)
    )


def choose(names: Sequence[str], value: Names, *, several: bool | None = None) -> gr.Dropdown:
    """Offer names in a box, and choose one of them, or some in a box that holds several."""
    if len(names) <= SENT_WHOLE:
        return gr.Dropdown(list(names), value=value, multiselect=several)
    return gr.Dropdown(
        _some(names, value, ""),
        value=value,
        multiselect=several,
        allow_custom_value=True,
        info=_count_names(names),
    )


def _some(names: Sequence[str], chosen: Names, query: str) -> list[str]:
    found = find_names(names, query)
    held = [chosen] if isinstance(chosen, str) else list(chosen or ())
    return list(dict.fromkeys([*found, *held]))


def _count_names(names: Sequence[str]) -> str:
    return f"{FOUND} of {len(names):,}; {HINT}"


class Search:
    """Finds names for a box on the server, where the page does not hold all of them.

    Parameters
    ----------
    names
        Returns all names; it is given what `of` holds.
    """

    def __init__(self, names: Callable[[Any], Sequence[str]]) -> None:
        self._names = names

    def follow(self, box: gr.Dropdown, of: Component | None = None) -> None:
        """Search when somebody types in a box, and offer the first names again afterwards.

        Parameters
        ----------
        box
            The box.
        of
            What the names depend on.
        """
        here = json.dumps(box.elem_id), json.dumps(HINT)
        select = _SELECT % here
        box.focus(None, None, None, js=select, trigger_mode="multiple", api_visibility="private")
        given = [box, box if of is None else of]
        for event, handler, wait in (
            (box.key_up, self.search_names, 60),
            (box.blur, self.offer_first, 0),
        ):
            event(
                handler,
                given,
                box,
                js=_WAIT % (*here, wait),
                queue=False,
                trigger_mode="multiple",
                show_progress="hidden",
                api_visibility="private",
            )

    def search_names(self, chosen: Names, of: object, event: Typed) -> object:
        """Offer the names that hold what was typed."""
        return gr.skip() if event.key in _MOVES else self._offer(chosen, of, event.text)

    def offer_first(self, chosen: Names, of: object) -> object:
        """Offer the first names."""
        return self._offer(chosen, of, "")

    def _offer(self, chosen: Names, of: object, query: str) -> object:
        try:
            names = self._names(of)
        except TagifaiError:
            return gr.skip()  # the tab says what is wrong
        return gr.skip() if len(names) <= SENT_WHOLE else offer(names, chosen, query)
