"""Data, tags by frequency: a slider, and the lists, charts and word cloud that follow it."""

from bisect import bisect_left

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from tagifai.charts.svg import escaped
from tagifai.data.frequency import FrequencySelection
from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.services.data import DataSummary, LoadedData
from tagifai.ui.choosers import SENT_WHOLE, Search, choose
from tagifai.ui.events import QUICK, drawn_first
from tagifai.ui.links import Choice, Link
from tagifai.ui.views.data import show_left_out, show_selection
from tagifai.ui.views.markup import show_cloud, show_error
from tagifai.ui.views.shared_markup import JOIN, write_shared

WHY_FREQUENCY = """A tag with few projects can be neither learnt nor measured: with a handful in
the test split, one prediction moves its F1 by tens of points. Tags under the minimum are left out
of training; a project that keeps no tag is a negative of every tag."""
# Steps before and after the one that is shown, and how near to their end more are sent.
AROUND, NEAR = 12, 4


class FrequencyPart:
    """Which tags reach a minimum number of projects.

    The page draws each step of the slider itself, from the markup of all steps, which it is sent
    once, and again after the data has changed. Where that is too much, it is sent the steps around
    the one that is shown, and others before it comes to their end.
    """

    def __init__(self, services: Services, min_tag_freq: int) -> None:
        self.services = services
        self.min_tag_freq = min_tag_freq
        # The data's digest, and what `write_shared` wrote of it.
        self._written = ("", "")

    def build(self) -> None:
        """Lay out the slider with what follows it, and wire its events."""
        gr.Markdown("### Tags by frequency")
        self.min_freq = gr.Slider(
            1,
            1_000,
            value=self.min_tag_freq,
            step=1,
            label="Minimum number of projects of a tag",
            info=" ".join(WHY_FREQUENCY.split()),
            elem_id="min-tag-freq",
            interactive=True,
        )
        self.summary = gr.HTML(elem_id="tags-summary", apply_default_css=False)
        # A hidden box and no State: the page reads it, without asking the server.
        self.steps = gr.Textbox(visible="hidden")
        # The digest of the data whose steps were sent, and which ones where it is not all of them.
        self.steps_of = gr.State("")
        with gr.Row():
            self.most_common = gr.HTML(elem_id="tags-most-common", apply_default_css=False)
            self.just_made = gr.HTML(elem_id="tags-just-made", apply_default_css=False)
            self.just_missed = gr.HTML(elem_id="tags-just-missed", apply_default_css=False)
        with gr.Row():
            self.distribution = gr.HTML(
                elem_id="tag-distribution", apply_default_css=False, min_width=360
            )
            with gr.Column(min_width=360):
                self.per_project = gr.HTML(elem_id="tags-per-project", apply_default_css=False)
                self.cloud_tag = gr.Dropdown(
                    [], label="Tag of the word cloud", elem_id="word-cloud-tag", interactive=True
                )
                self.cloud = gr.HTML(elem_id="word-cloud", apply_default_css=False)
        with gr.Accordion("Tags left out", open=False, elem_id="excluded-tags"):
            self.left_out = gr.HTML(apply_default_css=False)
        # In the order of `SelectionParts`.
        self.lists: list[Component] = [
            self.summary,
            self.most_common,
            self.just_made,
            self.just_missed,
            self.distribution,
            self.per_project,
        ]
        self.choices = [
            Choice("min_tag_freq", self.min_freq, self.min_tag_freq),
            Choice("cloud", self.cloud_tag),
        ]
        self.filled: list[Component] = [
            self.min_freq,
            *self.lists,
            self.cloud_tag,
            self.cloud,
            self.left_out,
        ]
        self._wire()

    def _wire(self) -> None:
        steps = [self.steps, self.steps_of]
        drawn = [
            event(
                None,
                [self.min_freq, self.steps],
                self.lists,
                js=JOIN,
                trigger_mode="multiple",
                api_visibility="private",
            )
            for event in (self.min_freq.change, self.steps.change)
        ]
        drawn_first(drawn[0].then).then(
            self.filter_by_frequency,
            [self.min_freq, self.cloud_tag, self.steps_of],
            [self.cloud_tag, *steps],
            **QUICK,
        )
        Search(self.list_tags).follow(self.cloud_tag, self.min_freq)
        self.cloud_tag.change(self.show_word_cloud, self.cloud_tag, self.cloud, **QUICK)

    def draw_ahead(self, shown: Dependency) -> None:
        """Send the page what it draws at each step, once the tab is shown."""
        shown.then(
            self.send_steps,
            [self.min_freq, self.steps_of],
            [self.steps, self.steps_of],
            **QUICK,
        )

    def default_frequency(self, summary: DataSummary) -> int:
        """Return the frequency to begin with: 1 where no tag reaches the usual minimum."""
        return self.min_tag_freq if self.min_tag_freq <= summary.most_common else 1

    def read_frequency(self, link: Link, summary: DataSummary) -> int:
        """Read the minimum frequency that a link asks for, at most one that no tag reaches."""
        top = summary.most_common + 1
        default = self.default_frequency(summary)
        frequency = int(link.read("min_tag_freq", range(1, top + 1), default))
        return default if frequency > top or frequency == self.min_tag_freq else frequency

    def fill(
        self, link: Link, data: LoadedData, selection: FrequencySelection, first: str | None
    ) -> dict[Component, object]:
        """Return what the part shows of `selection`; `first` is the tag to draw by default."""
        names = tag_names(selection)
        tag = link.read("cloud", names)
        tag = tag if tag in names else first
        return {
            self.min_freq: gr.Slider(
                maximum=data.summary.most_common + 1, value=selection.min_tag_freq
            ),
            **dict(zip(self.lists, show_selection(selection), strict=True)),
            self.cloud_tag: choose(names, tag),
            self.cloud: self.show_word_cloud(tag),
            self.left_out: show_left_out(data.left_out),
        }

    def send_steps(self, frequency: int, steps_of: str) -> dict[Component, object]:
        """Send the page the markup of all steps, unless it has that of this data already."""
        try:
            data = self.services.data.get()
        except TagifaiError:  # the notice of the tab says why
            return {self.steps: "", self.steps_of: ""}
        return self._send_steps(data, frequency, steps_of)

    def _send_steps(
        self, data: LoadedData, frequency: int, steps_of: str
    ) -> dict[Component, object]:
        digest, counts = data.summary.digest, data.summary.counts
        if steps_of == digest:
            return {self.steps_of: digest}
        if steps := self._write_steps(data):
            return {self.steps: steps, self.steps_of: digest}
        place = bisect_left(counts, frequency)
        held, first, last = _read_part(steps_of)
        edges = first + NEAR * (first > 0), last - NEAR if last < len(counts) else last + 1
        if held == digest and edges[0] <= place < edges[1]:
            return {self.steps_of: steps_of}
        first, last = max(0, place - AROUND), min(len(counts), place + AROUND + 1)
        part = write_shared(
            counts[first:last],
            lambda step: show_selection(data.filter_tags(step)),
            low=counts[first - 1] + 1 if first else 0,
            high=counts[last - 1] if last < len(counts) else None,
        )
        return {self.steps: part, self.steps_of: f"{digest} {first} {last}"}

    def _write_steps(self, data: LoadedData) -> str:
        digest, steps = self._written
        if digest != data.summary.digest:
            steps = write_shared(
                data.summary.counts, lambda step: show_selection(data.filter_tags(step))
            )
            self._written = data.summary.digest, steps
        return steps

    def filter_by_frequency(
        self, frequency: int, tag: str | None, steps_of: str
    ) -> dict[Component, object]:
        """Offer the tags that reach a frequency, and send steps that the page cannot draw."""
        try:
            data = self.services.data.get()
            names = tag_names(data.filter_tags(frequency))
        except TagifaiError as error:
            # Gradio shows the message of an error as HTML.
            raise gr.Error(escaped(error, 300), print_exception=False) from None
        if tag not in names:
            tag = names[0] if names else None
        return {
            # An update: to make a component takes the server half a millisecond, at each step.
            self.cloud_tag: gr.update(choices=names, value=tag)
            if len(names) <= SENT_WHOLE
            else choose(names, tag),
            **self._send_steps(data, frequency, steps_of),
        }

    def list_tags(self, frequency: int) -> list[str]:
        """List the tags that reach a frequency."""
        return tag_names(self.services.data.filter_tags(frequency))

    def show_word_cloud(self, tag: str | None) -> str:
        """Draw the words of a tag's projects."""
        if not tag:
            return show_cloud(
                [],
                title="",
                empty="No tag to draw: none reaches this frequency. Move the slider down.",
            )
        try:
            words = self.services.data.count_words(tag)
        except TagifaiError as error:
            return show_error(error)
        sampled = words.num_counted < words.num_projects
        what = f"{words.num_counted:,} of the {words.num_projects:,}" if sampled else "the"
        return show_cloud(
            words.words,
            title=f"Words in {what} projects tagged {tag}",
            empty=f"No words in the projects tagged {tag}.",
        )


def _read_part(steps_of: str) -> tuple[str, int, int]:
    """Read of what data the page holds which steps; none where it holds none."""
    digest, *ends = steps_of.split(" ")
    return (digest, int(ends[0]), int(ends[1])) if len(ends) == 2 else ("", 0, 0)


def tag_names(selection: FrequencySelection) -> list[str]:
    """Return the tags that a selection keeps, in alphabetical order."""
    return sorted(tag for tag, _ in selection.kept)
