"""Deep links: the address names the choices of the tab in view, and a link restores them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import gradio as gr
import orjson
from gradio.blocks import Block
from gradio.components import Component
from gradio.events import Dependency

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.ui.events import Chosen, Updates
from tagifai.ui.views.markup import show_error

# Longer queries are cut: no server or proxy between passes them on.
MAX_QUERY = 60_000
MAX_PARTS = 500
MAX_VALUES = 50
# Runs in the page after a tab was filled. A box that holds something, or that somebody wrote in
# since the tab came into view, stays as it is.
FILL_EMPTY = "(defaults, text) => window.tagifaiAddress.fillEmpty(defaults, 'text', text)"
Query: TypeAlias = Mapping[str, Sequence[str]]
# What a control holds, which depends on its kind: a text, a number, a list of choices …
Value: TypeAlias = Any
Control: TypeAlias = gr.Checkbox | gr.Dropdown | gr.Number | gr.Radio | gr.Slider | gr.Textbox


def _hidden() -> gr.Textbox:
    # No `gr.State`: the page's script cannot read one, and learns that one has changed from the
    # queue alone. Back and forward must not wait in line: a late answer would take visitors away
    # from the tab that they have chosen since.
    return gr.Textbox("", visible="hidden")


@dataclass(frozen=True)
class Choice:
    """A control of a tab that the address calls `name`.

    Attributes
    ----------
    name
        The parameter's name in the address.
    control
        The control that holds the value.
    default
        The value that the address leaves out.
    codes
        The control's value for each word of the address, where the two differ.
    typed
        Whether the control is typed into: it changes the address without a new entry in the
        browser's history.
    """

    name: str
    control: Control
    default: object = None
    codes: Mapping[str, str] | None = None
    typed: bool = False


@dataclass
class Route:
    """A tab, or a part of one, that a link can lead to.

    Attributes
    ----------
    tab, part
        The names of the tab and of its part in the address.
    triggers
        The events that bring the route into view.
    query
        A followed link's parameters, until the route is filled.
    opened
        The number of the last link that led here while the route was in view already.
    times_filled
        How often the route was filled. Its `change` comes after each answer of `on_shown`.
    defaults
        Defaults that come from the data, for the page's script, as `write_defaults` returns them.
    choices
        What a link can set.
    """

    tab: str
    part: str
    triggers: Sequence[Callable[..., Dependency]]
    query: gr.State = field(default_factory=lambda: gr.State(None))
    opened: gr.Textbox = field(default_factory=_hidden)
    # Beside the tabs, as all of a route. In a tab that is not open yet the page reports the first
    # change of a State twice.
    times_filled: gr.State = field(default_factory=lambda: gr.State(None))
    defaults: gr.Textbox = field(default_factory=_hidden)
    choices: Sequence[Choice] = ()

    def write_defaults(self, values: Mapping[str, object]) -> str:
        """Return the value of `defaults` for some choices, by their names."""
        return orjson.dumps({"tab": self.tab, "part": self.part, "values": values}).decode()

    @property
    def controls(self) -> list[Control]:
        """The controls of the choices, in their order."""
        return [choice.control for choice in self.choices]

    def on_shown(
        self,
        fill: Callable[..., Mapping[Any, object]],
        outputs: Sequence[Block],
        *,
        instead: Mapping[Control, Component] | None = None,
        known: Sequence[Component] = (),
    ) -> Dependency:
        """Run `fill` whenever the route comes into view, or a link to it is followed.

        Parameters
        ----------
        fill
            A handler that takes a `Link`, the request and the values of `known`, and returns
            what changes. The link counts as followed then, unless it is postponed.
        outputs
            What `fill` may change.
        instead
            For a control, another component that holds its value more reliably.
        known
            More components whose values `fill` needs.

        Returns
        -------
        Dependency
            The event, for what is to follow it.
        """

        def fill_route(
            request: gr.Request, query: Query | None, times: int | None, *given: Value
        ) -> Updates:
            current, rest = given[: len(self.choices)], given[len(self.choices) :]
            link = Link(query, self.choices, current)
            shown: Updates = {**fill(link, request, *rest)}
            if not link.followed:
                shown = leave_out_known(shown, self.controls, current)
            # A link that came meanwhile, while the data was loaded for example, is read next time.
            if link.followed and not link.postponed:
                shown[self.query] = None
            # Gradio takes an empty mapping for a value.
            return {**shown, self.times_filled: (times or 0) + 1} if shown else gr.skip()

        fill_route.__name__, fill_route.__module__ = fill.__name__, fill.__module__
        values = [(instead or {}).get(control, control) for control in self.controls]
        # The last, because a page opened by a link shows its first tab before the link is read.
        return gr.on(
            [self.opened.change, *self.triggers],
            fill_route,
            [self.query, self.times_filled, *values, *known],
            [*outputs, self.query, self.times_filled],
            trigger_mode="always_last",
            api_visibility="private",
        )


def leave_out_known(
    shown: Updates, controls: Sequence[Control], current: Sequence[Value]
) -> Updates:
    """Leave out the values that controls hold already.

    An answer that comes late then takes back no choice that was made meanwhile.

    Parameters
    ----------
    shown
        What changes, by component.
    controls, current
        The controls, and the values that they held when they were asked about.
    """
    held = dict(zip(controls, current, strict=True))
    new: Updates = {}
    for component, value in shown.items():
        if component not in held or held[component] is None:
            new[component] = value
        elif isinstance(value, Block):
            arguments = value.constructor_args
            if arguments.get("value", held) == held[component]:
                arguments = {name: one for name, one in arguments.items() if name != "value"}
                value = type(value)(**arguments)
            new[component] = value
        elif value != held[component]:
            new[component] = value
    return new


class Link:
    """What a followed link asks of a tab, read with the tab's choices.

    Parameters
    ----------
    query
        The link's parameters; None where the tab was opened without a link.
    choices
        What a link can set.
    current
        The current value of each choice's control.
    """

    def __init__(
        self, query: Query | None, choices: Sequence[Choice], current: Sequence[Value]
    ) -> None:
        self.query = query
        self.choices = {choice.name: choice for choice in choices}
        self.current = dict(zip(self.choices, current, strict=True))
        self.problems: list[str] = []
        self.postponed = False

    @property
    def followed(self) -> bool:
        """Whether there is a link."""
        return self.query is not None

    def postpone(self) -> None:
        """Follow the link the next time, as where the data cannot be read yet."""
        self.postponed = True

    def names(self, name: str) -> bool:
        """Return whether there is a link that sets a choice."""
        return self.query is not None and name in self.query

    def read(
        self,
        name: str,
        allowed: Sequence[Value] | None = None,
        default: Value = None,
    ) -> Value:
        """Return the value that the link asks for, or the current one without a link.

        A value that is not allowed is noted for `refused`.

        Parameters
        ----------
        name
            The choice.
        allowed
            The values that there are now; by default, those that the control knows.
        default
            What a link that does not name the choice asks for; by default, the choice's own.
        """
        choice, current = self.choices[name], self.current[name]
        if self.query is None:
            return current
        candidates = (default, choice.default, current)
        otherwise = next((value for value in candidates if value is not None), None)
        given = list(self.query.get(name, ()))[:MAX_VALUES]
        try:
            return decode(choice, given, allowed) if given else otherwise
        except TagifaiError as error:
            self.problems.append(str(error))
            return otherwise

    def refused(self) -> str:
        """Return a notice of what the link asks for and cannot have, "" where it got all."""
        if not self.problems:
            return ""
        problems = "; ".join(self.problems)
        return show_error(TagifaiError(f"The link cannot be followed to the letter: {problems}"))


def decode(choice: Choice, given: Sequence[str], allowed: Sequence[Value] | None = None) -> Value:
    """Read what an address says of a choice as a value of its control.

    Parameters
    ----------
    choice
        The choice.
    given
        The parameter's values in the address, at least one.
    allowed
        The values that there are now; by default, those that the control knows.

    Raises
    ------
    TagifaiError
        Not a number, out of range, too long, or none of the values that there are.

    Examples
    --------
    >>> decode(Choice("p", gr.Number(1, precision=0, minimum=1)), ["3"])
    3
    >>> decode(Choice("outcome", gr.Radio(["hits"]), codes={"tp": "hits"}), ["tp"])
    'hits'
    """
    control, text = choice.control, given[0]
    if isinstance(control, gr.Checkbox):
        return text == "1"
    if isinstance(control, gr.Slider | gr.Number):
        return _number(choice.name, control, text, allowed)
    if choice.codes is not None:
        if text not in choice.codes:
            raise one_of(choice.name, text, choice.codes)
        return choice.codes[text]
    if isinstance(control, gr.Dropdown | gr.Radio):
        several = bool(getattr(control, "multiselect", False))
        known = [str(value) for _, value in control.choices] if allowed is None else allowed
        values = given if several else given[:1]
        for value in values:
            if value not in known:
                raise one_of(choice.name, value, known)
        return values if several else text
    most = getattr(control, "max_length", None)
    if most and len(text) > most:
        raise TagifaiError(f"{choice.name} takes at most {most:,} characters, got {len(text):,}")
    return text


def _number(
    name: str, control: gr.Slider | gr.Number, text: str, allowed: Sequence[float] | None
) -> float | int:
    low, high = control.minimum, control.maximum
    if allowed is not None:
        low, high = min(allowed), max(allowed)
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        ends = f" to {high:g}" if math.isfinite(high) else " or more"
        raise TagifaiError(f"{name} must be a number, {low:g}{ends}, got {shorten(text)!r}")
    whole = getattr(control, "precision", None) == 0 or getattr(control, "step", None) == 1
    return int(value) if whole else value


class Address:
    """The page's heading with the button that copies the link; keeps address and page in step.

    Parameters
    ----------
    routes
        What a link can lead to.
    tabs, parts
        The page's tabs, and those of the tab that has parts.
    selected
        Is called with what is selected, as the parameters of an address, whenever that changes.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        tabs: gr.Tabs,
        parts: gr.Tabs,
        selected: Callable[[str], None] | None = None,
    ) -> None:
        self.routes = routes
        self.selected = selected
        self.tabs = tabs
        self.parts = parts
        self.controls = list(
            {c.control._id: c.control for route in routes for c in route.choices}.values()
        )

    def build(self, load: Callable[..., Dependency], heading: str) -> None:
        """Lay out the heading, HTML; `load` is the event of a page that was opened."""
        self.header = gr.HTML(
            f'<div class="page-head">{heading}<div><button type="button" class="copy-link">'
            'Copy link</button><span class="minor" role="status"></span></div></div>',
            elem_id="address",
            js_on_load=script(self.routes, self.controls, reports=self.selected is not None),
            apply_default_css=False,
            padding=False,
        )
        outputs = [
            self.tabs,
            self.parts,
            *(route.query for route in self.routes),
            *(route.opened for route in self.routes),
        ]
        loaded = load(
            self.open_link,
            None,
            outputs,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        _in_page(loaded.then, None, "() => window.tagifaiAddress.ready()")
        self.header.select(
            self.go_back,
            None,
            outputs,
            # Each: going back twice ends where the second step leads.
            trigger_mode="multiple",
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        if self.selected is not None:
            self.header.input(
                self.take_selection,
                None,
                None,
                trigger_mode="multiple",
                queue=False,
                show_progress="hidden",
                api_visibility="private",
            )
        # Each control reports its own value: an event of all would have the page copy what each of
        # them holds, lists of choices included, whenever one changes.
        for number, control in enumerate(self.controls):
            take = f"value => window.tagifaiAddress.take({number}, value)"
            _in_page(control.change, control, take)
        for route in self.routes:
            learn = "value => window.tagifaiAddress.learn(value)"
            _in_page(route.defaults.change, route.defaults, learn)
        shown = [trigger for route in self.routes for trigger in route.triggers]
        gr.on(shown, None, None, js="() => window.tagifaiAddress.show()", api_visibility="private")

    def open_link(self, request: gr.Request) -> Updates:
        """Follow the link that the page was opened by; another address leaves the page alone."""
        query = str(request.query_params) if request else ""
        names = {"tab", *(choice.name for choice in self.routes[0].choices)}
        if not names & set(read_query(query)):
            return gr.skip()
        return self.follow(query, self.routes[0].tab, "", "0")

    def go_back(self, event: Chosen) -> Updates:
        """Follow the address that the browser went back or forward to."""
        number, _, query = str(event.key).partition("?")
        return self.follow(query, str(event.tab), str(event.part), number)

    def follow(self, address: str, tab: str, part: str, number: str) -> Updates:
        """Lead the page to where an address points.

        Parameters
        ----------
        address
            The address's query.
        tab, part
            What is in view.
        number
            The number of the link among those followed on this page.
        """
        query = read_query(address)
        wanted = wanted_route(self.routes, query)
        shown: Updates = {self.tabs: gr.Tabs(selected=wanted.tab), wanted.query: query}
        if wanted.part:
            shown[self.parts] = gr.Tabs(selected=wanted.part)
        # The parts of a tab share its version, which is chosen above them with the first part.
        version = {name: query[name] for name in ("version",) if name in query}
        for route in self.routes:
            if route.tab == wanted.tab and route is not wanted:
                shown[route.query] = version
                if version and tab == route.tab and route.part == self.first_part(tab):
                    shown[route.opened] = number
        if wanted.tab == tab and wanted.part in ("", part, self.first_part(tab)):
            shown[wanted.opened] = number
        return shown

    def take_selection(self, event: Chosen) -> None:
        """Pass on what is selected."""
        assert self.selected is not None  # without it there is no such event
        if event.key:
            self.selected(event.key)

    def first_part(self, tab: str) -> str:
        """Return the part of a tab that is shown first, "" where it has none."""
        return next((route.part for route in self.routes if route.tab == tab), "")


def _in_page(event: Callable[..., Dependency], value: Component | None, js: str) -> None:
    event(None, value, None, js=js, api_visibility="private")


def read_query(query: str) -> dict[str, list[str]]:
    """Read the parameters of an address.

    >>> read_query("?tab=data&query=a+b&text=")
    {'tab': ['data'], 'query': ['a b'], 'text': ['']}
    """
    parts = query[:MAX_QUERY].lstrip("?").split("&")[:MAX_PARTS]
    return parse_qs("&".join(parts), keep_blank_values=True)


def wanted_route(routes: Sequence[Route], query: Query) -> Route:
    """Find the tab, or the part of one, that a link leads to; by default the first."""
    tab = next(iter(query.get("tab", ())), routes[0].tab)
    part = next(iter(query.get("part", ())), "")
    of_tab = [route for route in routes if route.tab == tab] or [routes[0]]
    return next((route for route in of_tab if route.part == part), of_tab[0])


def script(routes: Sequence[Route], controls: Sequence[Control], *, reports: bool = False) -> str:
    """Return what the header runs when it is drawn: the page's side of the address.

    `reports` is whether the page reports what is selected.
    """
    order = {control._id: number for number, control in enumerate(controls)}
    described = [
        {
            "tab": route.tab,
            "part": route.part,
            "choices": [
                {
                    "name": choice.name,
                    "index": order[choice.control._id],
                    "element": choice.control.elem_id,
                    "omit": choice.default,
                    "codes": {value: code for code, value in (choice.codes or {}).items()},
                    "typed": choice.typed,
                }
                for choice in route.choices
            ],
        }
        for route in routes
    ]
    source = Path(__file__).with_name("links.js").read_text("utf-8")
    data = f"const routes = {orjson.dumps(described).decode()}, reports = {str(reports).lower()};"
    return f"{data}\n{source}"
