"""Data: what the classifier can learn from."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import gradio as gr

from tagifai.charts.svg import escaped
from tagifai.data.browse import Page
from tagifai.data.frequency import FrequencySelection
from tagifai.errors import TagifaiError
from tagifai.services.data import DataSummary, TagDetails
from tagifai.ui.events import QUICK, drawn_first
from tagifai.ui.links import FILL_EMPTY, Choice, Link, Place
from tagifai.ui.views.data import describe_project, show_left_out, show_page, show_selection
from tagifai.ui.views.markup import show_cloud, show_error
from tagifai.ui.views.shared_markup import JOIN, write_shared

INTRO = """Which tags have enough projects to be learnt, and what do their texts look like?
Look here to decide **whether the data is good enough**, and where to cut rare tags."""
WHY_FREQUENCY = """A tag with few projects can be neither learnt nor measured: with a handful in
the test split, one prediction moves its F1 by tens of points. Tags under the minimum are left out
of training; a project that keeps no tag is a negative of every tag."""
NO_SORT = "file order"


def build(
    place: Place,
    *,
    describe_data: Callable[[], DataSummary],
    filter_tags: Callable[[int], FrequencySelection],
    page_projects: Callable[[str, str, bool, int], Page],
    describe_tag: Callable[[str], TagDetails],
    count_words: Callable[[str], Any],
    preprocess: Callable[[str, bool, bool, str, str, str], str],
    filters: str,
    languages: list[str],
    stopwords_of: Callable[[str], Sequence[str]],
    sorts: list[str],
    min_tag_freq: int,
) -> None:
    """Lay out the tab, filled when `place` comes into view."""
    gr.Markdown(INTRO)
    notice = gr.HTML()
    # The search that the table shows: filling its box is no new search.
    searched = gr.State("")

    gr.Markdown("### Tags by frequency")
    min_freq = gr.Slider(
        1,
        1_000,
        value=min_tag_freq,
        step=1,
        label="Minimum number of projects of a tag",
        info=" ".join(WHY_FREQUENCY.split()),
        elem_id="min-tag-freq",
        interactive=True,
    )
    summary = gr.HTML(elem_id="tags-summary", apply_default_css=False)
    # What each step of the slider shows, of which data: the page draws it without asking.
    steps, steps_of = gr.Textbox(visible="hidden"), gr.Textbox(visible="hidden")
    # Changes where the server must draw a step.
    undrawn = gr.Textbox(visible="hidden")
    with gr.Row():
        most_common = gr.HTML(elem_id="tags-most-common", apply_default_css=False)
        just_made = gr.HTML(elem_id="tags-just-made", apply_default_css=False)
        just_missed = gr.HTML(elem_id="tags-just-missed", apply_default_css=False)
    with gr.Row():
        distribution = gr.HTML(elem_id="tag-distribution", apply_default_css=False, min_width=360)
        with gr.Column(min_width=360):
            per_project = gr.HTML(elem_id="tags-per-project", apply_default_css=False)
            cloud_tag = gr.Dropdown(
                [], label="Tag of the word cloud", elem_id="word-cloud-tag", interactive=True
            )
            cloud = gr.HTML(elem_id="word-cloud", apply_default_css=False)
    with gr.Accordion("Tags left out", open=False, elem_id="excluded-tags"):
        excluded = gr.HTML(apply_default_css=False)

    gr.Markdown("### Projects")
    with gr.Row():
        with gr.Column(min_width=320):
            sample = gr.JSON(label="A sample project", elem_id="sample-project", max_height=340)
        with gr.Column(min_width=320):
            tag = gr.Dropdown([], label="Tag", elem_id="data-tag", interactive=True)
            # What the box shows: to ask the box itself has its choices copied at each event.
            told_tag = gr.State(None)
            tag_details = gr.JSON(label="What is known of the tag", elem_id="tag-metadata")
    with gr.Row(elem_classes="controls"):
        query = gr.Textbox(
            label="Search",
            placeholder="words in id, title, description or tags",
            elem_id="projects-search",
            scale=3,
            max_length=200,
        )
        sort = gr.Dropdown(
            [NO_SORT, *sorts],
            value=NO_SORT,
            label="Sort by",
            elem_id="projects-sort",
            interactive=True,
            min_width=130,
        )
        descending = gr.Checkbox(label="Descending", min_width=110, elem_id="projects-descending")
        number = gr.Number(
            1, label="Page", precision=0, minimum=1, elem_id="projects-page", min_width=90
        )
    table = gr.HTML(elem_id="projects-table", apply_default_css=False)

    gr.Markdown("### Preprocessing")
    with gr.Row():
        with gr.Column(min_width=320):
            text = gr.Textbox(label="Text", lines=3, elem_id="preprocess-input", max_length=10_000)
            with gr.Row(elem_classes="controls"):
                lower = gr.Checkbox(True, label="lower: to lower case", elem_id="preprocess-lower")
                stem = gr.Checkbox(
                    False, label="stem: words to their stems", elem_id="preprocess-stem"
                )
                language = gr.Dropdown(
                    languages,
                    value=None,
                    label="Language",
                    elem_id="preprocess-language",
                    interactive=True,
                    min_width=130,
                )
            pattern = gr.Textbox(
                filters,
                label="filters: what this regular expression matches becomes a space",
                elem_id="preprocess-filters",
                max_length=256,
            )
            words = gr.Textbox(
                label="Stopwords (space-separated)", lines=2, elem_id="preprocess-stopwords"
            )
        output = gr.Textbox(
            label="What the classifier reads",
            lines=3,
            interactive=False,
            buttons=["copy"],
            elem_id="preprocess-output",
            min_width=320,
        )
    preprocess_notice = gr.HTML()

    @lru_cache(maxsize=1)
    def write_steps(_digest: str, counts: tuple[int, ...]) -> str:
        return write_shared(counts, lambda step: show_selection(filter_tags(step)))

    def tell_steps(drawn: str) -> list[Any]:
        try:
            facts = describe_data()
            if drawn == facts.digest:
                return [gr.skip()] * 2
            told = write_steps(facts.digest, tuple(facts.counts))
            return [told, facts.digest if told else ""]
        except TagifaiError:
            return ["", ""]  # the notice above says what is wrong

    def filter_by_frequency(frequency: int, chosen: str | None, drawn: str) -> list[Any]:
        try:
            facts, selection = describe_data(), filter_tags(frequency)
        except TagifaiError as error:
            raise gr.Error(escaped(error, 300), print_exception=False) from None
        names = sorted(name for name, _ in selection.kept)
        kept = chosen if chosen in names else (names[0] if names else None)
        # The page draws the steps itself, unless it was told nothing, or of other data.
        asks = "" if drawn == facts.digest else str(time.time_ns())
        # No component: to make one takes the server half a millisecond, at each step of the slider.
        return [gr.update(choices=names, value=kept), asks]

    def draw_step(asks: str, frequency: int) -> Sequence[Any]:
        try:
            return show_selection(filter_tags(frequency)) if asks else [gr.skip()] * len(lists)
        except TagifaiError as error:
            raise gr.Error(escaped(error, 300), print_exception=False) from None

    def show_word_cloud(name: str | None) -> str:
        if not name:
            return show_cloud(
                [],
                title="",
                empty="No tag to draw: none reaches this frequency. Move the slider down.",
            )
        try:
            words = count_words(name)
        except TagifaiError as error:
            return show_error(error)
        return show_cloud(
            words,
            title=f"Words in the projects tagged {name}",
            empty=f"No words in the projects tagged {name}.",
        )

    def show_tag(name: str | None) -> tuple[Any, str, str | None]:
        if not name:
            return None, "", name
        try:
            return asdict(describe_tag(name)), "", name
        except TagifaiError as error:
            return gr.skip(), show_error(error), name

    def show_projects(words: str, by: str, down: bool, page: float | None = 1) -> tuple[str, Any]:
        try:
            found = page_projects(words, "" if by == NO_SORT else by, down, int(page or 1))
        except TagifaiError as error:
            return show_error(error), gr.skip()
        return show_page(found), found.number

    def search(words: str, by: str, down: bool, before: str) -> list[Any]:
        if words == before:
            return [gr.skip()] * 3
        return [*sort_projects(words, by, down), words]

    def sort_projects(words: str, by: str, down: bool) -> tuple[str, int]:
        return show_projects(words, by, down)[0], 1

    def show_preprocessed(
        text: str, lower: bool, stem: bool, pattern: str, words: str, language: str | None
    ) -> tuple[Any, str]:
        try:
            return preprocess(text, lower, stem, pattern, words, language or ""), ""
        except TagifaiError as error:
            return gr.skip(), show_error(error)

    def bring_stopwords(language: str | None) -> tuple[str, str]:
        brought = " ".join(stopwords_of(language)) if language else ""
        return brought, place.write_usual({"stopwords": brought})

    lists = [summary, most_common, just_made, just_missed, distribution, per_project]
    page_inputs = [query, sort, descending, number]
    preprocess_inputs: list[Any] = [text, lower, stem, pattern, words, language]

    def fill(link: Link, _: gr.Request) -> list[Any]:
        try:
            facts = describe_data()
        except TagifaiError as error:
            return [show_error(error), *[gr.skip()] * (len(filled) - 1)]
        top = facts.most_common + 1
        # Where no tag reaches the usual minimum, the tab begins with all tags instead of none.
        usual_freq = min_tag_freq if min_tag_freq < top else 1
        frequency = link.read("min_tag_freq", range(1, top + 1), usual_freq)
        if frequency > top or frequency == min_tag_freq:
            frequency = usual_freq
        selection = filter_tags(frequency)
        kept = sorted(name for name, _ in selection.kept)
        first = selection.most_common[0][0] if kept else None
        drawn, told = link.read("cloud", kept), link.read("tag", facts.tags)
        drawn, told = drawn if drawn in kept else first, told if told in facts.tags else first
        browsed = [link.read(name) for name in ("query", "sort", "descending", "p")]
        page, shown_number = show_projects(*browsed)
        spoken = link.read("language", languages, facts.language) or facts.language
        usual = {
            "min_tag_freq": usual_freq,
            "text": facts.text,
            "language": facts.language,
            "stopwords": " ".join(stopwords_of(spoken)),
        }
        asked = {name: link.read(name, usual=usual.get(name)) for name in playground_names}
        asked["text"] = asked["text"] or usual["text"]
        if link.current["language"] is None and link.asked is None:  # nobody has been here yet
            asked["stopwords"] = usual["stopwords"]
        playground = [*asked.values(), spoken]
        shown = [gr.skip() if link.asked is None else asked["text"], *playground[1:]]
        return [
            link.refused(),
            gr.Slider(maximum=top, value=frequency),
            *show_selection(selection),
            gr.Dropdown(kept, value=drawn),
            show_word_cloud(drawn),
            show_left_out(facts.left_out),
            describe_project(facts.sample),
            gr.Dropdown(facts.tags, value=told),
            asdict(describe_tag(told)) if told else None,
            told,
            page,
            *browsed[:3],
            shown_number,
            browsed[0],
            *shown,
            *show_preprocessed(*playground),
            place.write_usual(usual),
            None,
        ]

    playground_names = ["text", "lower", "stem", "filters", "stopwords"]
    place.choices = [
        Choice("min_tag_freq", min_freq, min_tag_freq),
        Choice("cloud", cloud_tag),
        Choice("tag", tag),
        Choice("query", query, "", typed=True),
        Choice("sort", sort, NO_SORT),
        Choice("descending", descending, False),
        Choice("p", number, 1),
        Choice("text", text, typed=True),
        Choice("lower", lower, True),
        Choice("stem", stem, False),
        Choice("filters", pattern, filters, typed=True),
        Choice("stopwords", words, typed=True),
        Choice("language", language),
    ]
    filled = [
        notice,
        min_freq,
        *lists,
        cloud_tag,
        cloud,
        excluded,
        sample,
        tag,
        tag_details,
        told_tag,
        table,
        *page_inputs,
        searched,
        *preprocess_inputs,
        output,
        preprocess_notice,
        place.usual,
        place.asked,
    ]
    # Past the queue answers are compressed.
    shown = place.on_shown(fill, filled, told={tag: told_tag})
    shown.then(None, [place.usual, text], text, js=FILL_EMPTY, api_visibility="private")
    shown.then(tell_steps, steps_of, [steps, steps_of], **QUICK)
    step = min_freq.change(
        None, [min_freq, steps], lists, js=JOIN, trigger_mode="multiple", api_visibility="private"
    )
    drawn_first(step.then).then(
        filter_by_frequency, [min_freq, cloud_tag, steps_of], [cloud_tag, undrawn], **QUICK
    )
    # Beside the tags, as outputs that stay as they are, they would take the server most of a step.
    undrawn.change(draw_step, [undrawn, min_freq], lists, **QUICK)
    cloud_tag.change(show_word_cloud, cloud_tag, cloud, **QUICK)
    tag.input(show_tag, tag, [tag_details, notice, told_tag], **QUICK)
    query.change(search, [*page_inputs[:3], searched], [table, number, searched], **QUICK)
    gr.on([sort.input, descending.input], sort_projects, page_inputs[:3], [table, number], **QUICK)
    number.input(show_projects, page_inputs, [table, number], **QUICK)
    language.input(bring_stopwords, language, [words, place.usual], **QUICK)
    gr.on(
        [component.change for component in preprocess_inputs],
        show_preprocessed,
        preprocess_inputs,
        [output, preprocess_notice],
        **QUICK,
    )
