"""Slices: build one, measure it, save it by name; let the finder propose where it is worse."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
import orjson
from gradio.events import Dependency

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.services.slices import SliceService, read_cells, write_cells
from tagifai.slices import Conditions
from tagifai.ui.choosers import Search, choose
from tagifai.ui.events import QUICK, Chosen, drawn_once
from tagifai.ui.links import Choice, Link, Route, Updates
from tagifai.ui.server.visits import visit_of
from tagifai.ui.views.markup import CHOOSE_ROW, show_error, show_note
from tagifai.ui.views.slices import render_found, render_measured, render_read_only, render_saved

INTRO = """A **slice** is a subset of projects. Overall figures hide where a version fails; build
a slice to see how it does there, and save those worth watching."""
ABOUT_FINDER = """Searches slices of one or two conditions (tags, words, length, unseen words,
columns) for a lower precision or recall than elsewhere; false discoveries are held at 5 %
(Benjamini–Hochberg). What a search picks looks worse than it is: **gaps and intervals are corrected
for that**, with the help of a tenth of the projects, kept back from the search
([Fithian et al. 2014](https://arxiv.org/abs/1410.2597)). All splits are searched by default, for
probabilities of training projects are out of fold; where a version's are not known to be, its
training projects are left out."""
SPLITS = ["all", "test", "train+val"]
NOTHING = "Choose at least one condition above."
# Gradio takes an empty dict for a value.
UNCHANGED: Updates = gr.skip()


class ConditionFields:
    """The fields in which somebody builds the conditions of a slice."""

    def build(self) -> None:
        """Lay out the fields in three rows."""
        with gr.Row(elem_classes="controls"):
            self.all_of = _names("All of these tags", "slice-all-of")
            self.any_of = _names("Any of these tags", "slice-any-of")
            self.none_of = _names("None of these tags", "slice-none-of")
        with gr.Row(elem_classes="controls"):
            self.all_words = _words(
                "All of these words", "slice-all-words", "neural, image captions"
            )
            self.any_words = _words("Any of these words", "slice-any-words", "comma-separated")
            self.cells = _names("Other columns", "slice-cells")
        with gr.Row(elem_classes="controls"):
            self.min_words = _bound("Min. words (0: any)", "slice-min-words")
            self.max_words = _bound("Max. words (0: any)", "slice-max-words")
            self.unseen = gr.Slider(
                0,
                100,
                value=0,
                step=5,
                elem_id="slice-unseen",
                interactive=True,
                min_width=260,
                label="Min. share of unseen words (%, 0: any)",
            )

    @property
    def controls(self) -> list[gr.Dropdown | gr.Textbox | gr.Number | gr.Slider]:
        """The fields, in the order in which `conditions_of` takes their values."""
        return [
            self.all_of,
            self.any_of,
            self.none_of,
            self.all_words,
            self.any_words,
            self.min_words,
            self.max_words,
            self.unseen,
            self.cells,
        ]

    @property
    def link_choices(self) -> list[Choice]:
        """What a link can ask for."""
        return [
            Choice("all_of", self.all_of, []),
            Choice("any_of", self.any_of, []),
            Choice("none_of", self.none_of, []),
            Choice("all_words", self.all_words, ""),
            Choice("any_words", self.any_words, ""),
            Choice("min_words", self.min_words, 0),
            Choice("max_words", self.max_words, 0),
            Choice("unseen", self.unseen, 0),
            Choice("cells", self.cells, []),
        ]

    def follow(self, link: Link, tags: list[str], cells: list[str]) -> Updates:
        """Fill the fields as a link asks, with the tags and cells that there are."""
        known = {"all_of": tags, "any_of": tags, "none_of": tags, "cells": cells}
        changes: Updates = {}
        for choice in self.link_choices:
            names = known.get(choice.name)
            value = link.read(choice.name, names)
            changes[choice.control] = (
                value if names is None else choose(names, value or None, several=True)
            )
        return changes

    def search(self, tags: Callable[[object], Sequence[str]]) -> None:
        """Find tags on the server where there are many."""
        for box in (self.all_of, self.any_of, self.none_of):
            Search(tags).follow(box)

    def read(self, *values: Any) -> Conditions:
        """Read conditions from the values of the fields."""
        return conditions_of(*values)

    def fill(self, conditions: Conditions) -> Updates:
        """Fill the fields with conditions."""
        return dict(zip(self.controls, fields_of(conditions), strict=True))


class SlicesTab:
    """The tab of slices: build, measure and save one, and find those that are worse.

    Parameters
    ----------
    services : Services
        What the handlers ask.
    route : Route
        What the links to this tab ask for.
    version : gr.Dropdown
        The choice of the version above.
    """

    def __init__(self, services: Services, route: Route, version: gr.Dropdown) -> None:
        self.services = services
        self.route = route
        self.version = version
        self.fields = ConditionFields()

    def build(self, version_chosen: Dependency) -> None:
        """Lay out the tab and wire its events; `version_chosen` follows the choice of a version."""
        gr.Markdown(INTRO)
        self.saved = gr.Dropdown(
            [], label="Load saved slice", elem_id="slice-saved", interactive=True
        )
        self.fields.build()
        self.fields.search(self.list_tags)
        self.measured = gr.HTML(elem_id="slice-measured", apply_default_css=False)
        with gr.Row(elem_classes="controls"):
            self.name = gr.Textbox(
                label="Name",
                placeholder="short_tutorials",
                elem_id="slice-name",
                max_length=80,
                min_width=160,
            )
            self.description = gr.Textbox(
                label="Description", elem_id="slice-description", max_length=500, scale=2
            )
            self.save_button = gr.Button("Save slice", elem_id="slice-save", min_width=120)
        self.message = gr.HTML(elem_id="slice-told")
        gr.Markdown("### Find weak slices (5 % FDR)")
        gr.Markdown(ABOUT_FINDER, elem_classes="note")
        with gr.Row(elem_classes="controls"):
            self.split = gr.Dropdown(
                SPLITS,
                value="all",
                label="Split",
                elem_id="finder-split",
                interactive=True,
                min_width=140,
            )
            self.find_button = gr.Button(
                "Find slices", elem_id="find-slices", variant="primary", min_width=140
            )
        self.found = gr.HTML(elem_id="found-slices", apply_default_css=False, js_on_load=CHOOSE_ROW)
        self.route.choices = [
            Choice("version", self.version),
            *self.fields.link_choices,
            Choice("split", self.split, "all"),
        ]
        self._wire(version_chosen)

    def _wire(self, version_chosen: Dependency) -> None:
        once = {**QUICK, "trigger_mode": "once"}
        controls = self.fields.controls
        measured = [self.version, *controls]
        self.route.on_shown(
            self.open_tab, [self.version, self.saved, *controls, self.split, self.message]
        )
        # Once the tab is filled too: the data may have changed.
        built = [*(control.change for control in controls), self.route.times_filled.change]
        drawn_once("slice", built).then(self.measure, measured, self.measured, **QUICK)
        version_chosen.then(self.follow_version, measured, [self.measured, self.found], **QUICK)
        self.saved.input(self.load_saved, self.saved, controls, **once)
        self.found.select(self.load_found, None, controls, **once)
        self.save_button.click(
            self.save,
            [self.name, self.description, *controls],
            [self.message, self.saved],
            api_visibility="private",
        )
        self.find_button.click(
            self.find,
            [self.version, self.split],
            self.found,
            show_progress="full",
            api_visibility="private",
        )

    @property
    def slices(self) -> SliceService:
        """The slices of the data."""
        return self.services.slices

    def list_tags(self, _: object) -> list[str]:
        """List the tags of the data."""
        return list(self.slices.choices().tags)

    def open_tab(self, link: Link, request: gr.Request) -> Updates:
        """Fill the fields with the tags and columns of the data, and as a link asks."""
        try:
            choices, names = self.slices.choices(), list(self.slices.saved())
            why_not = self.slices.why_not(visit_of(request))
            followed = self._follow_link(link)
        except TagifaiError as error:
            return {self.message: show_error(error)}
        cells = [f"{column} = {value}" for column, value in choices.cells]
        return {
            **followed,
            self.saved: gr.Dropdown(names, value=None),
            **self.fields.follow(link, list(choices.tags), cells),
            self.split: link.read("split"),
            self.message: "".join([link.refused(), render_read_only(why_not)]),
        }

    def _follow_link(self, link: Link) -> Updates:
        """Choose the version that a link names, so that the slice is measured in it."""
        if not link.names("version"):
            return {}
        names = self.slices.versions.names()
        return {self.version: gr.Dropdown(names[::-1], value=link.read("version", names))}

    def measure(self, name: str | None, *built: object) -> Updates:
        """Measure the slice that is built."""
        try:
            conditions = self.fields.read(*built)
            if not conditions.given():
                return {self.measured: show_note(NOTHING)}
            Conditions.of(conditions.given())
            found = self.slices.measure(self._version(name), conditions)
            return {self.measured: render_measured(found)}
        except TagifaiError as error:
            return {self.measured: show_error(error)}

    def follow_version(self, name: str | None, *built: object) -> Updates:
        """Measure the slice for another version; proposals belong to the one they were found in."""
        return {**self.measure(name, *built), self.found: ""}

    def find(self, name: str | None, split: str) -> Updates:
        """Find the slices where the version is worse than elsewhere."""
        try:
            return {self.found: render_found(self.slices.find(self._version(name), split))}
        except TagifaiError as error:
            return {self.found: show_error(error)}

    def load_found(self, event: Chosen) -> Updates:
        """Fill the fields with a slice that was found."""
        try:
            return self.fields.fill(Conditions.of(orjson.loads(event.key)))
        except (TagifaiError, ValueError, TypeError):
            return UNCHANGED

    def load_saved(self, name: str | None) -> Updates:
        """Fill the fields with a saved slice."""
        try:
            saved = self.slices.saved()
        except TagifaiError:
            return UNCHANGED
        return self.fields.fill(saved[name]) if name in saved else UNCHANGED

    def save(self, request: gr.Request, name: str, description: str, *built: object) -> Updates:
        """Save the slice that is built under a name."""
        try:
            self.slices.save(
                visit_of(request), name or "", self.fields.read(*built), description or ""
            )
            names = list(self.slices.saved())
        except TagifaiError as error:
            return {self.message: show_error(error)}
        return {self.message: render_saved(name), self.saved: gr.Dropdown(names)}

    def _version(self, name: str | None) -> str:
        return name or self.slices.versions.latest("predictions")


def _names(label: str, elem_id: str) -> gr.Dropdown:
    return gr.Dropdown(
        [], label=label, multiselect=True, interactive=True, elem_id=elem_id, min_width=220
    )


def _words(label: str, elem_id: str, placeholder: str) -> gr.Textbox:
    return gr.Textbox(label=label, placeholder=placeholder, elem_id=elem_id, max_length=500)


def _bound(label: str, elem_id: str) -> gr.Number:
    return gr.Number(0, label=label, precision=0, minimum=0, elem_id=elem_id, min_width=120)


def conditions_of(
    all_of: list[str] | None,
    any_of: list[str] | None,
    none_of: list[str] | None,
    all_words: str | None,
    any_words: str | None,
    min_words: float | None,
    max_words: float | None,
    unseen: float | None,
    cells: list[str] | None,
) -> Conditions:
    """Read conditions from the values of the fields."""
    return Conditions(
        all_of=tuple(all_of or ()),
        any_of=tuple(any_of or ()),
        none_of=tuple(none_of or ()),
        all_words=split_list(all_words),
        any_words=split_list(any_words),
        min_words=int(min_words) if min_words else None,
        max_words=int(max_words) if max_words else None,
        min_unseen=unseen / 100 if unseen else None,
        columns=read_cells(cells or []),
    )


def fields_of(conditions: Conditions) -> list[object]:
    """Return the values of the fields for conditions.

    >>> fields_of(Conditions(all_of=("nlp",), min_unseen=0.25, columns={"kind": ("tool",)}))
    [['nlp'], [], [], '', '', 0, 0, 25.0, ['kind = tool']]
    """
    return [
        list(conditions.all_of),
        list(conditions.any_of),
        list(conditions.none_of),
        ", ".join(conditions.all_words),
        ", ".join(conditions.any_words),
        conditions.min_words or 0,
        conditions.max_words or 0,
        100 * (conditions.min_unseen or 0),
        write_cells(conditions.columns),
    ]


def split_list(text: str | None) -> tuple[str, ...]:
    """Read words, or runs of words, separated by commas.

    >>> split_list("neural, image  captions,")
    ('neural', 'image  captions')
    """
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
