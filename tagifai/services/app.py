"""What the page and the command line both call: data, versions and cache put together."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tagifai.comparison.results import Comparison
from tagifai.data.browse import Page
from tagifai.data.frequency import FrequencySelection
from tagifai.errors import TagifaiError
from tagifai.permissions import WriteRules
from tagifai.services.comparisons import ComparisonService
from tagifai.services.data import DataService, DataSummary, TagDetails
from tagifai.services.inspection import InspectionDesk
from tagifai.services.review_repository import ReviewRepository
from tagifai.services.reviews import ReviewDesk, apply_commands
from tagifai.services.slices import SliceDesk
from tagifai.services.versions import VersionService
from tagifai.services.warmup import Step, WarmUp
from tagifai.settings import Settings
from tagifai.spaces import Space, warn_of_disk
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.history import HistoryRow
from tagifai.store.versions import open_source
from tagifai.text.saferegex import SafeRegex

if TYPE_CHECKING:
    from tagifai.services.inference import InferenceDesk
    from tagifai.services.influence import InfluenceDesk


class Workbench:
    """The functions behind the page, on the data and versions that the settings name."""

    def __init__(self, settings: Settings, space: Space | None = None) -> None:
        self.settings = settings
        self.space = space
        self.data = DataService(settings.data)
        self.repository: ReviewRepository | None = None

    @cached_property
    def warm_up(self) -> WarmUp:
        """Load data, versions and the latest model before somebody waits for them."""
        read = lambda: f"({self.data.num_read:,} read)"  # noqa: E731 - said where it is used
        return WarmUp(
            [
                Step("the projects", lambda: self.data.get().warm_up(), read),
                Step("the versions", self.history),
                Step("the latest model", self._load_latest_model),
            ]
        )

    def _load_latest_model(self) -> None:
        try:
            name = self.versions.latest("model")
        except TagifaiError:
            return  # none can predict, as the Inference tab says
        if self.versions.keeps("model", name):
            self.inference.predict(name, "")

    @cached_property
    def safe_regex(self) -> SafeRegex:
        """Keep the processes that visitors' patterns run in; none is started before the first."""
        return SafeRegex()

    @cached_property
    def versions(self) -> VersionService:
        """Open the home of the versions and the cache, when first asked for."""
        cache = ContentCache(open_memory(self.settings.cache_folder))
        return VersionService(
            open_source(self.settings.models, limits=self.settings.limits),
            cache,
            self.data,
            trust_pickle=self.settings.trust_pickle,
        )

    @cached_property
    def comparisons(self) -> ComparisonService:
        """Compare versions, and measure how sure their figures are."""
        return ComparisonService(self.versions)

    @cached_property
    def inference(self) -> "InferenceDesk":
        """Answer what visitors ask about their own texts."""
        from tagifai.services.inference import InferenceDesk

        rules, public = WriteRules.of(self.settings), self.settings.share
        return InferenceDesk(
            self.versions,
            self.data,
            rules=rules,
            public=public,
            max_text=self.settings.max_text,
        )

    @cached_property
    def inspection(self) -> InspectionDesk:
        """Tell where a version errs, and by which projects."""
        return InspectionDesk(self.versions, WriteRules.of(self.settings))

    @cached_property
    def influence(self) -> "InfluenceDesk":
        """Tell by which words and training projects a project was decided so."""
        from tagifai.services.influence import InfluenceDesk

        return InfluenceDesk(self.versions)

    @cached_property
    def reviews(self) -> ReviewDesk:
        """Open the queues of suspected label errors and the reviews of them."""
        rules = WriteRules.of(self.settings)
        return ReviewDesk(self.versions, self.settings.reviews_file, rules)

    def keep_reviews(self, say: Callable[[str], None]) -> None:
        """Bring and send the reviews that a dataset keeps, where the settings name one."""
        if name := self.settings.reviews_repo:
            self.repository = ReviewRepository(name, self.reviews, say=say)
            self.repository.start()

    def warn_of_reviews(self) -> str:
        """Say what becomes of the reviews where that is not what a reviewer expects."""
        if self.repository and self.repository.problem:
            return f"reviews are not sent to {self.repository.name}: {self.repository.problem}"
        kept = self.settings.reviews_file, self.space, self.settings.reviews_repo
        return warn_of_disk(*kept)

    @cached_property
    def slices(self) -> SliceDesk:
        """Open the builder and the finder of slices."""
        return SliceDesk(self.versions, WriteRules.of(self.settings))

    def review_commands(self) -> list[str]:
        """Give what to run to apply the reviews to a copy of the data and to train on it."""
        return apply_commands(self.settings)

    def describe_data(self) -> DataSummary:
        """Return a sample project, the tags' names, their counts and what is left out."""
        return self.data.summary()

    def describe_tag(self, tag: str) -> TagDetails:
        """Return what is known of a tag: aliases, parents, children, number of projects."""
        return self.data.describe_tag(tag)

    def filter_tags(self, min_tag_freq: int) -> FrequencySelection:
        """Select the tags of at least `min_tag_freq` projects."""
        return self.data.get().filter_tags(min_tag_freq)

    def page_projects(self, query: str, sort: str, descending: bool, number: int) -> Page:
        """Show one page of the projects that match `query`."""
        return self.data.get().index.page(query, sort, descending, number)

    def count_words(self, tag: str) -> tuple[tuple[str, int], ...]:
        """Count the most common words in the projects of a tag."""
        return self.data.get().count_words(tag)

    def preprocess(
        self,
        text: str,
        lower: bool,
        stem: bool,
        filters: str,
        stopwords: str | None = None,
        language: str = "",
    ) -> str:
        """Preprocess a visitor's text with a visitor's pattern, where it cannot hang the app."""
        return self.safe_regex.preprocess_text(
            text,
            lower=lower,
            stem=stem,
            filters=filters,
            stopwords=None if stopwords is None else stopwords.split(),
            language=language or self.data.get().language,
        )

    def list_versions(self) -> list[str]:
        """List the versions in version order, the workspace last."""
        return self.versions.names()

    def latest(self, keeps: str, names: list[str] | None = None) -> str:
        """Name the latest version that keeps "figures", "predictions" or a "model"."""
        return self.versions.latest(keeps, names)

    def history(self) -> list[HistoryRow]:
        """Tabulate the key metrics of every version."""
        return self.versions.history()

    def describe_version(self, name: str) -> dict[str, Any]:
        """Return a version's card."""
        return self.versions.describe(name)

    def performance(self, name: str) -> dict[str, Any]:
        """Give a version's performance as it keeps it."""
        return dict(self.versions.load(name).performance)

    def compare(self, a: str, b: str) -> Comparison:
        """Compare two versions."""
        return self.comparisons.compare(a, b)

    def predict(self, name: str, texts: list[str]) -> list[dict[str, Any]]:
        """Predict the tags of a visitor's texts with a version.

        Raises:
            TagifaiError: no model, too many texts, or one that is too long.
        """
        if len(texts) > self.settings.max_texts:
            raise TagifaiError(
                f"at most {self.settings.max_texts:,} texts at once (--max-texts), "
                f"got {len(texts):,}"
            )
        for text in texts:
            self.inference.check_text(text)
        return self.versions.predict(name, texts)
