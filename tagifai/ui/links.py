"""A link to what one sees: the choices of the open tab stand in the address, and come from it."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
import orjson

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.ui.views.markup import show_error

# Longer queries are cut: no server or proxy between passes them on.
MAX_QUERY = 60_000
MAX_PARTS = 500
MAX_VALUES = 50
# After a tab is filled, in the page alone: what somebody typed meanwhile stays.
FILL_EMPTY = "(told, text) => text || (told && JSON.parse(told).values.text) || ''"
Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Choice:
    """A control of a tab that the address speaks of by `name`.

    `default` is left out of the address. `codes` gives the control's value for each word of the
    address. What is `typed` changes the address without adding to the browser's history.
    """

    name: str
    control: Any
    default: Any = None
    codes: Mapping[str, str] | None = None
    typed: bool = False


@dataclass
class Place:
    """A tab, or a part of one: what fills it, what a link can ask of it.

    `asked` keeps a link's parameters until the place is filled; `opened` changes when a link leads
    to the very place in view. `triggers` are the events that bring it into view. `usual` tells the
    page which values the address leaves out, of choices whose default comes from the data: what
    `write_usual` gives.
    """

    tab: str
    part: str
    triggers: Sequence[Callable[..., Any]]
    asked: gr.State = field(default_factory=lambda: gr.State(None))
    # No State: at the page's first answer every State says that it changed.
    opened: gr.Textbox = field(default_factory=lambda: gr.Textbox("", visible="hidden"))
    usual: gr.Textbox = field(default_factory=lambda: gr.Textbox("", visible="hidden"))
    choices: Sequence[Choice] = ()

    def write_usual(self, values: Mapping[str, Any]) -> str:
        """Return the value of `usual` for the defaults of some choices, by their names."""
        return orjson.dumps({"tab": self.tab, "part": self.part, "values": values}).decode()

    @property
    def controls(self) -> list[Any]:
        """The controls of the choices, in their order."""
        return [choice.control for choice in self.choices]

    def follow(self, asked: Query | None, current: Sequence[Any]) -> "Link":
        """Read what a link asks for; `current` are the values of `controls`."""
        return Link(asked, self.choices, current)

    def on_shown(
        self,
        fill: Callable[..., Any],
        outputs: Sequence[Any],
        told: Mapping[Any, Any] | None = None,
        known: Sequence[Any] = (),
    ) -> Any:
        """Run `fill` whenever the place comes into view, or a link to it is followed.

        It is given the link, the request and the values of `known`. It returns what changes,
        `{component: value}`, or a value for each of the outputs; in the first case the followed
        link is forgotten here. `told` gives what tells the value of a control in its place.
        """
        where = outputs.index(self.asked) if self.asked in outputs else None
        outputs = [*outputs] if where is not None else [*outputs, self.asked]

        def fill_once(request: gr.Request, asked: Query | None, *given: Any) -> Any:
            current, rest = given[: len(self.choices)], given[len(self.choices) :]
            found = fill(self.follow(asked, current), request, *rest)
            # A link that came meanwhile, while the data was loaded for one, is still to be read.
            if isinstance(found, Mapping):
                forgotten = {} if asked is None else {self.asked: None}
                # Gradio takes an empty mapping for a value.
                return {**found, **forgotten} or gr.skip()
            found = list(found)
            if asked is None and where is not None:
                found[where] = gr.skip()
            return found

        fill_once.__name__, fill_once.__module__ = fill.__name__, fill.__module__
        values = [(told or {}).get(control, control) for control in self.controls]
        # The last, because a page opened by a link shows its first tab before the link is read.
        return gr.on(
            [self.opened.change, *self.triggers],
            fill_once,
            [self.asked, *values, *known],
            outputs,
            trigger_mode="always_last",
            api_visibility="private",
        )


class Link:
    """What a followed link asks of a tab; what cannot be had is told by `refused`."""

    def __init__(
        self, asked: Query | None, choices: Sequence[Choice], current: Sequence[Any]
    ) -> None:
        self.asked = asked
        self.current = {c.name: (c, value) for c, value in zip(choices, current, strict=True)}
        self.problems: list[str] = []

    def names(self, name: str) -> bool:
        """Tell whether a link was followed that says something of a choice."""
        return self.asked is not None and name in self.asked

    def read(
        self, name: str, allowed: Sequence[Any] | None = None, usual: Any | None = None
    ) -> Any:
        """Give the value that the link asks for, or the current one where no link was followed.

        A link that says nothing of a choice asks for its default, which `usual` is where it comes
        from the data. `allowed` are the values that there are now; without it, those that the
        control knows.
        """
        choice, current = self.current[name]
        if self.asked is None:
            return current
        default = choice.default if usual is None else usual
        otherwise = current if default is None else default
        given = list(self.asked.get(choice.name, ()))[:MAX_VALUES]
        try:
            return decode(choice, given, allowed) if given else otherwise
        except TagifaiError as error:
            self.problems.append(str(error))
            return otherwise

    def refused(self) -> str:
        """Tell what the link asked in vain, "" where it got all."""
        if not self.problems:
            return ""
        told = "; ".join(self.problems)
        return show_error(TagifaiError(f"The link cannot be followed to the letter: {told}"))


def decode(choice: Choice, given: Sequence[str], allowed: Sequence[Any] | None = None) -> Any:
    """Read what an address says of a choice as a value of its control.

    Raises:
        TagifaiError: not a number, out of range, or not among the values that there are.

    >>> decode(Choice("p", gr.Number(1, precision=0, minimum=1)), ["3"])
    3
    >>> decode(Choice("outcome", gr.Radio(["hits"]), codes={"tp": "hits"}), ["tp"])
    'hits'
    """
    control, text = choice.control, given[0]
    if isinstance(control, gr.Checkbox):
        return text == "1"
    if isinstance(control, gr.Slider | gr.Number):
        return _number(choice, text, allowed)
    if choice.codes is not None:
        if text not in choice.codes:
            raise one_of(choice.name, text, choice.codes)
        return choice.codes[text]
    if isinstance(control, gr.Dropdown | gr.Radio):
        known = [str(value) for _, value in control.choices] if allowed is None else allowed
        values = given if getattr(control, "multiselect", False) else given[:1]
        for value in values:
            if value not in known:
                raise one_of(choice.name, value, known)
        return values if getattr(control, "multiselect", False) else text
    most = getattr(control, "max_length", None)
    if most and len(text) > most:
        raise TagifaiError(f"{choice.name} takes at most {most:,} characters, got {len(text):,}")
    return text


def build(
    places: Sequence[Place],
    tabs: gr.Tabs,
    parts: gr.Tabs,
    load: Callable[..., Any],
    *,
    heading: str,
) -> None:
    """Lay out the heading with the button that copies the link; let address and page agree."""
    controls = list({c.control._id: c.control for p in places for c in p.choices}.values())
    header = gr.HTML(
        f'<div class="page-head">{heading}<div><button type="button" class="copy-link">Copy link'
        '</button><span class="minor" role="status"></span></div></div>',
        elem_id="address",
        js_on_load=script(places, controls),
        apply_default_css=False,
        padding=False,
    )

    def follow(query: str, tab: str, part: str) -> list[Any]:
        asked = read_query(query)
        wanted = wanted_place(places, asked)
        version = {name: asked[name] for name in ("version",) if name in asked}
        sibling = [p for p in places if p.tab == wanted.tab and p is not wanted]
        in_view = wanted.tab == tab and wanted.part in ("", part, _first_part(places, tab))
        return [
            gr.Tabs(selected=wanted.tab),
            gr.Tabs(selected=wanted.part) if wanted.part else gr.skip(),
            *(asked if p is wanted else version if p in sibling else gr.skip() for p in places),
            *(str(time.time_ns()) if p is wanted and in_view else gr.skip() for p in places),
        ]

    def open_link(request: gr.Request) -> list[Any]:
        query = str(request.query_params) if request else ""
        if not {"tab", *names} & set(read_query(query)):
            return [gr.skip()] * len(outputs)
        return follow(query, places[0].tab, "")

    def go_back(event: gr.EventData) -> list[Any]:
        return follow(str(event.key), str(event.tab), str(event.part))

    names = {choice.name for choice in places[0].choices}
    outputs = [tabs, parts, *(p.asked for p in places), *(p.opened for p in places)]
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    loaded = load(open_link, None, outputs, queue=False, **private)
    loaded.then(None, None, None, js="() => window.tagifaiAddress.ready()", **private)
    header.select(go_back, None, outputs, queue=False, **private)
    # Each control tells its own value: an event of all would have the page copy what each of them
    # holds, choices among it, whenever one changes.
    for number, control in enumerate(controls):
        control.change(
            None,
            control,
            None,
            js=f"value => window.tagifaiAddress.take({number}, value)",
            api_visibility="private",
        )
    for place in places:
        place.usual.change(
            None,
            place.usual,
            None,
            js="value => window.tagifaiAddress.omit(value)",
            api_visibility="private",
        )
    gr.on(
        [trigger for place in places for trigger in place.triggers],
        None,
        None,
        None,
        js="() => window.tagifaiAddress.turn()",
        api_visibility="private",
    )


def read_query(query: str) -> dict[str, list[str]]:
    """Read the parameters of an address.

    >>> read_query("?tab=data&query=a+b&text=")
    {'tab': ['data'], 'query': ['a b'], 'text': ['']}
    """
    parts = query[:MAX_QUERY].lstrip("?").split("&")[:MAX_PARTS]
    return parse_qs("&".join(parts), keep_blank_values=True)


def wanted_place(places: Sequence[Place], asked: Query) -> Place:
    """Find the tab, and its part, that a link leads to; the first where it names none of ours."""
    tab = next(iter(asked.get("tab", ())), places[0].tab)
    part = next(iter(asked.get("part", ())), "")
    of_tab = [place for place in places if place.tab == tab] or [places[0]]
    return next((place for place in of_tab if place.part == part), of_tab[0])


def script(places: Sequence[Place], controls: Sequence[Any]) -> str:
    """Give what the header runs when it is drawn: the page's side of the address."""
    order = {control._id: number for number, control in enumerate(controls)}
    described = [
        {
            "tab": place.tab,
            "part": place.part,
            "choices": [
                {
                    "name": choice.name,
                    "index": order[choice.control._id],
                    "omit": choice.default,
                    "codes": {value: code for code, value in (choice.codes or {}).items()},
                    "typed": choice.typed,
                }
                for choice in place.choices
            ],
        }
        for place in places
    ]
    source = Path(__file__).with_name("links.js").read_text("utf-8")
    return f"const places = {orjson.dumps(described).decode()};\n{source}"


def _first_part(places: Sequence[Place], tab: str) -> str:
    return next((place.part for place in places if place.tab == tab), "")


def _number(choice: Choice, text: str, allowed: Sequence[Any] | None) -> float | int:
    low, high = choice.control.minimum, choice.control.maximum
    if allowed is not None:
        low, high = min(allowed), max(allowed)
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        ends = f" to {high:g}" if math.isfinite(high) else " or more"
        raise TagifaiError(f"{choice.name} must be a number, {low:g}{ends}, got {shorten(text)!r}")
    step = getattr(choice.control, "step", None)
    whole = getattr(choice.control, "precision", None) == 0 or step == 1
    return int(value) if whole else value
