"""Data: what the classifier can learn from."""

import gradio as gr
from gradio.components import Component

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.ui.links import FILL_EMPTY, Link, Route
from tagifai.ui.tabs.data_frequency import FrequencyPart
from tagifai.ui.tabs.data_preprocessing import PreprocessingPart
from tagifai.ui.tabs.data_projects import ProjectsPart
from tagifai.ui.views.markup import show_error

INTRO = """Which tags have enough projects to be learnt, and what do their texts look like?
Look here to decide **whether the data is good enough**, and where to cut rare tags."""


class DataTab:
    """The tags by frequency, the projects, and a playground of preprocessing.

    Parameters
    ----------
    services : Services
        The data, and preprocessing of what visitors type.
    route : Route
        Fills the tab when it comes into view.
    min_tag_freq : int
        The minimum frequency to begin with.
    """

    def __init__(self, services: Services, route: Route, min_tag_freq: int) -> None:
        self.services = services
        self.route = route
        self.frequency = FrequencyPart(services, min_tag_freq)
        self.projects = ProjectsPart(services)
        self.preprocessing = PreprocessingPart(services, route)

    def build(self) -> None:
        """Lay out the parts of the tab and wire their events."""
        gr.Markdown(INTRO)
        self.notice = gr.HTML()
        self.frequency.build()
        self.projects.build(self.notice)
        self.preprocessing.build()
        self.route.choices = [
            *self.frequency.choices,
            *self.projects.choices,
            *self.preprocessing.choices,
        ]
        shown = self.route.on_shown(
            self.fill,
            [
                self.notice,
                *self.frequency.filled,
                *self.projects.filled,
                *self.preprocessing.filled,
                self.route.defaults,
            ],
            instead={self.projects.tag: self.projects.shown_tag},
        )
        text = self.preprocessing.text
        filled = shown.then(
            None, [self.route.defaults, text], text, js=FILL_EMPTY, api_visibility="private"
        )
        self.preprocessing.show_after(filled)
        self.frequency.draw_ahead(shown)

    def fill(self, link: Link, _: gr.Request) -> dict[Component, object]:
        """Fill the tab with the data as it is now, and with what the link asks for."""
        try:
            data = self.services.data.get()
        except TagifaiError as error:
            link.postpone()
            return {self.notice: show_error(error)}
        summary = data.summary
        selection = data.filter_tags(self.frequency.read_frequency(link, summary))
        first = selection.most_common[0][0] if selection.kept else None
        frequency = self.frequency.fill(link, data, selection, first)
        projects = self.projects.fill(link, data, first)
        language = self.preprocessing.read_language(link, summary)
        defaults = {
            "min_tag_freq": self.frequency.default_frequency(summary),
            **self.preprocessing.defaults(summary, language),
        }
        return {
            **frequency,
            **projects,
            **self.preprocessing.fill(link, language, defaults),
            self.route.defaults: self.route.write_defaults(defaults),
            self.notice: link.refused(),
        }
