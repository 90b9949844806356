"""Put the services together: what the page, the API and the commands call."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TYPE_CHECKING, TypeVar

from tagifai.permissions import WriteRules
from tagifai.services.comparisons import ComparisonService
from tagifai.services.data import DataService
from tagifai.services.inspection import InspectionService
from tagifai.services.preprocessing import PreprocessingService
from tagifai.services.review_repository import ReviewRepository
from tagifai.services.reviews import ReviewService
from tagifai.services.slices import SliceService
from tagifai.services.versions import VersionService
from tagifai.services.warmup import WarmUp, first_steps
from tagifai.settings import Settings
from tagifai.spaces import Space
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.versions import open_source

# These import scikit-learn: only who asks for them waits for it.
if TYPE_CHECKING:
    from tagifai.services.inference import InferenceService
    from tagifai.services.influence import InfluenceService
    from tagifai.services.words import WordService


Service = TypeVar("Service")


class once(cached_property[Service]):  # noqa: N801 - a decorator, as its base is
    """A cached property that is computed once, however many threads ask for it at first.

    From Python 3.12 on, `cached_property` itself computes it once for each of them.
    """

    def __init__(self, make: Callable[["Services"], Service]) -> None:
        making = threading.RLock()

        @wraps(make)
        def make_once(services: "Services") -> Service:
            made = vars(services)
            with making:
                if make.__name__ not in made:
                    made[make.__name__] = make(services)
            found: Service = made[make.__name__]
            return found

        super().__init__(make_once)


def _say_nothing(line: str) -> None:
    """Ignore a line that nobody waits for."""


@dataclass(frozen=True)
class Services:
    """Every service over the data and the versions that the settings name.

    Each is made when it is first asked for, and nothing is read before.

    Attributes
    ----------
    settings : Settings
        Where data and versions are, and what visitors may do.
    space : Space, optional
        The Hugging Face Space that the app runs in; None elsewhere.
    warn : callable
        Called with a line for whoever runs the app.
    """

    settings: Settings
    space: Space | None = None
    warn: Callable[[str], None] = _say_nothing

    @once
    def rules(self) -> WriteRules:
        """Who may write reviews, slices and tests."""
        return WriteRules.of(self.settings)

    @once
    def data(self) -> DataService:
        """The data folder."""
        return DataService(self.settings.data, limits=self.settings.limits)

    @once
    def preprocessing(self) -> PreprocessingService:
        """Visitors' texts and patterns."""
        return PreprocessingService(self.data)

    @once
    def versions(self) -> VersionService:
        """The versions, and the cache of what follows from them."""
        return VersionService(
            open_source(self.settings.models, limits=self.settings.limits),
            ContentCache(open_memory(self.settings.cache_folder)),
            self.data,
            trust_pickle=self.settings.trust_pickle,
            allow_predictor=self.settings.allow_predictor,
            cache_folder=self.settings.cache_folder,
        )

    @once
    def comparisons(self) -> ComparisonService:
        """Versions compared, and how sure their figures are."""
        return ComparisonService(self.versions)

    @once
    def inference(self) -> "InferenceService":
        """Predictions of visitors' own texts, and why."""
        from tagifai.services.inference import InferenceService

        return InferenceService(
            self.versions,
            self.data,
            rules=self.rules,
            public=self.settings.share,
            max_text=self.settings.max_text,
            max_texts=self.settings.max_texts,
        )

    @once
    def inspection(self) -> InspectionService:
        """Where a version errs, and the projects behind each figure."""
        return InspectionService(self.versions, self.rules)

    @once
    def influence(self) -> "InfluenceService":
        """The training projects behind a decision."""
        from tagifai.services.influence import InfluenceService

        return InfluenceService(self.versions)

    @once
    def words(self) -> "WordService":
        """The words that raise and lower a tag."""
        from tagifai.services.words import WordService

        return WordService(self.versions)

    @once
    def reviews(self) -> ReviewService:
        """Suspected label errors, and the reviews of them."""
        return ReviewService(self.versions, self.settings.reviews_file, self.rules)

    @once
    def review_repository(self) -> ReviewRepository | None:
        """The dataset that holds a copy of the reviews; None where the settings name none."""
        name = self.settings.reviews_repo
        return ReviewRepository(name, self.reviews, say=self.warn) if name else None

    @once
    def slices(self) -> SliceService:
        """Slices that visitors build, save and find."""
        return SliceService(self.versions, self.rules)

    @once
    def warm_up(self) -> WarmUp:
        """What is loaded before the first visitor waits for it."""
        return WarmUp(first_steps(self.data, lambda: self.versions, lambda: self.inference))

    def close(self) -> None:
        """Stop what runs, and close the files that are open; nothing is asked afterwards."""
        made = vars(self)
        if "warm_up" in made:
            self.warm_up.stop()
        if "preprocessing" in made:
            self.preprocessing.close()
        if "reviews" in made:
            self.reviews.close()
