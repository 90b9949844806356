"""Slices: build one, measure it, save it by name; let the finder propose where it is worse."""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
import orjson
from gradio.events import Dependency

from tagifai.charts.svg import escaped, write_share
from tagifai.errors import TagifaiError
from tagifai.services.slices import SliceDesk, read_cells, write_cells
from tagifai.slices import Conditions
from tagifai.ui.links import Choice, Link, Place
from tagifai.ui.server.visits import visit_of
from tagifai.ui.views.markup import CHOOSE_ROW, show_error, show_note, show_table

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


def build(
    place: Place,
    version: gr.Dropdown,
    version_chosen: Dependency,
    *,
    desk: Callable[[], SliceDesk],
) -> None:
    """Lay out the tab, filled when `place` comes into view; `version` is the choice above."""
    gr.Markdown(INTRO)
    saved = gr.Dropdown(
        [],
        label="Load saved slice",
        elem_id="slice-saved",
        interactive=True,
    )
    with gr.Row(elem_classes="controls"):
        all_of = gr.Dropdown(
            [],
            label="All of these tags",
            multiselect=True,
            interactive=True,
            elem_id="slice-all-of",
            min_width=220,
        )
        any_of = gr.Dropdown(
            [],
            label="Any of these tags",
            multiselect=True,
            interactive=True,
            elem_id="slice-any-of",
            min_width=220,
        )
        none_of = gr.Dropdown(
            [],
            label="None of these tags",
            multiselect=True,
            interactive=True,
            elem_id="slice-none-of",
            min_width=220,
        )
    with gr.Row(elem_classes="controls"):
        all_words = gr.Textbox(
            label="All of these words",
            placeholder="neural, image captions",
            elem_id="slice-all-words",
            max_length=500,
        )
        any_words = gr.Textbox(
            label="Any of these words",
            placeholder="comma-separated",
            elem_id="slice-any-words",
            max_length=500,
        )
        cells = gr.Dropdown(
            [],
            label="Other columns",
            multiselect=True,
            interactive=True,
            elem_id="slice-cells",
            min_width=220,
        )
    with gr.Row(elem_classes="controls"):
        min_words = gr.Number(
            0,
            label="Min. words (0: any)",
            precision=0,
            minimum=0,
            elem_id="slice-min-words",
            min_width=120,
        )
        max_words = gr.Number(
            0,
            label="Max. words (0: any)",
            precision=0,
            minimum=0,
            elem_id="slice-max-words",
            min_width=120,
        )
        unseen = gr.Slider(
            0,
            100,
            value=0,
            step=5,
            elem_id="slice-unseen",
            interactive=True,
            min_width=260,
            label="Min. share of unseen words (%, 0: any)",
        )
    measured = gr.HTML(elem_id="slice-measured", apply_default_css=False)
    with gr.Row(elem_classes="controls"):
        name = gr.Textbox(
            label="Name",
            placeholder="short_tutorials",
            elem_id="slice-name",
            max_length=80,
            min_width=160,
        )
        description = gr.Textbox(
            label="Description", elem_id="slice-description", max_length=500, scale=2
        )
        keep = gr.Button("Save slice", elem_id="slice-save", min_width=120)
    told = gr.HTML(elem_id="slice-told")
    gr.Markdown("### Find weak slices (5 % FDR)")
    gr.Markdown(ABOUT_FINDER, elem_classes="note")
    with gr.Row(elem_classes="controls"):
        split = gr.Dropdown(
            SPLITS,
            value="all",
            label="Split",
            elem_id="finder-split",
            interactive=True,
            min_width=140,
        )
        find = gr.Button("Find slices", elem_id="find-slices", variant="primary", min_width=140)
    found = gr.HTML(elem_id="found-slices", apply_default_css=False, js_on_load=CHOOSE_ROW)

    def fill(link: Link, request: gr.Request) -> list[Any]:
        try:
            known, named = desk().choices(), list(desk().saved())
            why_not = desk().why_not(visit_of(request))
        except TagifaiError as error:
            return [*[gr.skip()] * (len(filled) - 1), show_error(error)]
        cells = [f"{column} = {value}" for column, value in known["cells"]]
        lists = {
            "all_of": known["tags"],
            "any_of": known["tags"],
            "none_of": known["tags"],
            "cells": cells,
        }
        built = {c.name: link.read(c.name, lists.get(c.name)) for c in place.choices[1:-1]}
        return [
            gr.Dropdown(named, value=None),
            *(
                gr.Dropdown(lists[one], value=value or None) if one in lists else value
                for one, value in built.items()
            ),
            link.read("split"),
            None,
            link.refused() + show_reader_only(why_not),
        ]

    def measure(name: str | None, *built: Any) -> str:
        try:
            conditions = conditions_of(*built)
            if not conditions.given():
                return show_note(NOTHING)
            Conditions.of(conditions.given())
            return show_measured(
                desk().measure(name or desk().versions.latest("predictions"), conditions)
            )
        except TagifaiError as error:
            return show_error(error)

    def propose(version: str | None, split: str) -> str:
        try:
            return show_found(desk().find(version or desk().versions.latest("predictions"), split))
        except TagifaiError as error:
            return show_error(error)

    def take_found(event: gr.EventData) -> list[Any]:
        try:
            return fields_of(Conditions.of(orjson.loads(event.key)).given())
        except (TagifaiError, ValueError, TypeError):
            return [gr.skip()] * len(builder)

    def take_saved(name: str | None) -> list[Any]:
        try:
            known = desk().saved()
        except TagifaiError:
            known = {}
        return fields_of(known[name][1]) if name in known else [gr.skip()] * len(builder)

    def save(request: gr.Request, name: str, description: str, *built: Any) -> list[Any]:
        try:
            desk().save(visit_of(request), name or "", conditions_of(*built), description or "")
            named = list(desk().saved())
        except TagifaiError as error:
            return [show_error(error), gr.skip()]
        line = f"Saved as {escaped(name)}: Performance compares versions on it from now on."
        return [f'<div class="notice good" role="status">{line}</div>', gr.Dropdown(named)]

    private: dict[str, Any] = {"api_visibility": "private"}
    quick = {**private, "queue": False, "show_progress": "hidden"}
    builder: list[Any] = [
        all_of,
        any_of,
        none_of,
        all_words,
        any_words,
        min_words,
        max_words,
        unseen,
        cells,
    ]
    names = [
        "all_of",
        "any_of",
        "none_of",
        "all_words",
        "any_words",
        "min_words",
        "max_words",
        "unseen",
        "cells",
    ]
    defaults: list[Any] = [[], [], [], "", "", 0, 0, 0, []]
    place.choices = [
        Choice("version", version),
        *(Choice(*row) for row in zip(names, builder, defaults, strict=True)),
        Choice("split", split, "all"),
    ]
    filled = [saved, *builder, split, place.asked, told]
    place.on_shown(fill, filled).then(measure, [version, *builder], measured, **quick)
    following = {**quick, "trigger_mode": "always_last"}
    gr.on(
        [control.change for control in builder], measure, [version, *builder], measured, **following
    )
    # Proposals are of the version they were found in.
    version_chosen.then(
        lambda *given: [measure(*given), ""], [version, *builder], [measured, found], **following
    )
    saved.input(take_saved, saved, builder, **quick)
    keep.click(save, [name, description, *builder], [told, saved], **private)
    find.click(propose, [version, split], found, show_progress="full", **private)
    found.select(take_found, None, builder, **quick)


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
    """Read conditions from the fields of the builder."""
    return Conditions(
        tuple(all_of or ()),
        tuple(any_of or ()),
        tuple(none_of or ()),
        listed(all_words),
        listed(any_words),
        int(min_words) if min_words else None,
        int(max_words) if max_words else None,
        unseen / 100 if unseen else None,
        read_cells(cells or []),
    )


def fields_of(given: Mapping[str, Any]) -> list[Any]:
    """Give the fields of the builder the values of conditions.

    >>> fields_of({"all_of": ["nlp"], "min_unseen": 0.25, "columns": {"kind": ["tool"]}})
    [['nlp'], [], [], '', '', 0, 0, 25.0, ['kind = tool']]
    """
    return [
        *(given.get(name, []) for name in ("all_of", "any_of", "none_of")),
        *(", ".join(given.get(name, [])) for name in ("all_words", "any_words")),
        given.get("min_words", 0),
        given.get("max_words", 0),
        100 * given.get("min_unseen", 0),
        write_cells(given.get("columns", {})),
    ]


def listed(text: str | None) -> tuple[str, ...]:
    """Read words, or runs of words, separated by commas.

    >>> listed("neural, image  captions,")
    ('neural', 'image  captions')
    """
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def show_reader_only(why_not: str) -> str:
    """Say why nothing can be saved, "" where it can."""
    if not why_not:
        return ""
    return f'<div class="notice warning" role="status">{escaped(why_not, 400)}</div>'


def show_measured(found: Mapping[str, Any]) -> str:
    """Show a slice's figures on test and out of fold, and those of the projects outside it."""
    parts = {
        "test": "in the slice, test split",
        "learnt": "in the slice, validation split"
        if found["in_sample"]
        else "in the slice, out of fold (train and validation)",
        "elsewhere": "all other projects of the test split",
    }
    rows = [
        {
            "part": label,
            **{name: show_interval(found[part][name]) for name in ("f1", "precision", "recall")},
            "num_samples": found[part]["num_samples"],
            "num_positives": found[part]["num_positives"],
            "few": found[part]["num_samples"] < 10,
        }
        for part, label in parts.items()
    ]
    return (
        show_table(
            rows,
            {
                "part": "projects",
                "f1": "F1",
                "precision": "precision",
                "recall": "recall",
                "num_samples": "number",
                "num_positives": "tags they carry",
            },
            raw=["f1", "precision", "recall"],
            empty="",
            caption="Pooled over all pairs of project and tag (micro), with 95 % intervals by "
            "project; under ten projects there is none",
        )
        + f'<p class="minor" data-count="{found["num_projects"]}">{found["num_projects"]:,} '
        f"projects of the data are in the slice, {found['num_scored']:,} of them scored. "
        f"{escaped(found['note'], 300)}</p>"
    )


def show_interval(figure: Mapping[str, float | None]) -> str:
    """Show a figure with its interval.

    >>> show_interval({"value": 0.5, "low": 0.25, "high": 0.75})
    '<b>0.500</b> <span class="minor">0.250 to 0.750</span>'
    """
    if figure["low"] is None:
        return f"<b>{write_share(figure['value'])}</b>"
    ends = f"{figure['low']:.3f} to {figure['high']:.3f}"
    return f'<b>{figure["value"]:.3f}</b> <span class="minor">{ends}</span>'


def show_found(found: Mapping[str, Any]) -> str:
    """Show what the finder found; a row fills the builder."""
    rows = [
        {
            **record,
            "key": orjson.dumps(record["given"]).decode(),
            "slice": " and ".join(record["conditions"]),
            "gap": show_gap(record),
            "few": record["gap"] is None,
        }
        for record in found["slices"]
    ]
    left_out = ""
    if found["in_sample"]:
        left_out = f'<p class="note">Left out: {escaped(found["in_sample"], 300)}.</p>'
    where = (
        f"{found['num_tested']:,} tests on {found['num_searched']:,} projects; "
        f"{found['num_kept_back']:,} kept back"
    )
    return left_out + show_table(
        rows,
        {
            "slice": "slice",
            "metric": "metric",
            "value": "here",
            "elsewhere": "elsewhere",
            "gap": "lower by (95 % interval)",
            "num_samples": "projects",
            "q_value": "q-value",
        },
        raw=["gap"],
        row_key="key",
        empty=f"No slice is surely worse than the rest ({where}).",
        caption=f"Choose a row to build that slice ({where})",
    )


def show_gap(record: Mapping[str, Any]) -> str:
    """Show how much lower a found slice's metric is.

    >>> show_gap({"gap": 0.25, "low": 0.125, "high": 0.375})
    '<b>0.250</b> <span class="minor">0.125 to 0.375</span>'
    """
    if record["gap"] is None:
        return '<span class="minor">too few projects to measure</span>'
    ends = f"{record['low']:.3f} to {record['high']:.3f}"
    return f'<b>{record["gap"]:.3f}</b> <span class="minor">{ends}</span>'
