"""What the page and the command line both call: data, versions and cache put together."""

from dataclasses import dataclass
from typing import Any

from tagifai.browse import Page
from tagifai.desk import DataDesk
from tagifai.frequency import FrequencySelection
from tagifai.preprocessing import preprocess_text
from tagifai.settings import Settings


class Workbench:
    """The functions behind the page, on the data and versions that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.data = DataDesk(settings.data)

    def describe_data(self) -> dict[str, Any]:
        """Give a sample project, the tags' names, the highest count and what is left out."""
        return self.data.get().describe()

    def describe_tag(self, tag: str) -> dict[str, Any]:
        """Give what is known of a tag: aliases, parents, children, number of projects."""
        return self.data.get().describe_tag(tag)

    def filter_tags(self, min_tag_freq: int) -> FrequencySelection:
        """Select the tags of at least `min_tag_freq` projects."""
        return self.data.get().filter_tags(min_tag_freq)

    def page_projects(self, query: str, sort: str, descending: bool, number: int) -> Page:
        """Show one page of the projects that match `query`."""
        return self.data.get().index.page(query, sort, descending, number)

    def count_words(self, tag: str) -> tuple[tuple[str, int], ...]:
        """Count the most common words in the projects of a tag."""
        return self.data.get().count_words(tag)

    def preprocess(self, text: str, lower: bool, stem: bool, filters: str, stopwords: str) -> str:
        """Preprocess a visitor's text with a visitor's pattern and stopwords."""
        return preprocess_text(
            text, lower=lower, stem=stem, filters=filters, stopwords=stopwords.split()
        )
