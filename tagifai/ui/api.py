"""The endpoints that other programs call, over HTTP, gradio_client and MCP: JSON in and out."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ParamSpec, TypeAlias, TypeVar

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.reviews.queues import QueueChoice
from tagifai.services.app import Services
from tagifai.text.preprocessing import FILTERS
from tagifai.ui.server.visits import visit_of

Json: TypeAlias = dict[str, Any]
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

# Thousands of texts take a while: no more than two such calls share the processors.
PREDICTIONS_AT_ONCE = 2
# In one answer: ten megabytes, which are written while nobody else is answered.
MAX_VALUES = 300_000
# Numbers are checked by what they are numbers of, which says what is allowed.
CHECKED: dict[object, tuple[type | tuple[type, ...], str]] = {
    str: (str, "str"),
    bool: (bool, "bool"),
    str | None: ((str, type(None)), "str"),
}


class Endpoints:
    """The endpoints of a page: each public method is one, its docstring what MCP says of it."""

    # Gradio reads the descriptions of arguments for MCP from sections of this form ("Args:").

    def __init__(self, services: Services) -> None:
        self._services = services

    def filter_tags(self, min_tag_freq: int = 30) -> Json:
        """Return which tags reach a minimum number of projects, and what remains.

        Args:
            min_tag_freq: whole number of 1 or more.
        """
        return asdict(self._services.data.filter_tags(min_tag_freq))

    def preprocess(
        self,
        text: str,
        lower: bool = True,
        stem: bool = False,
        filters: str = FILTERS,
        stopwords: str | None = None,
        language: str = "",
    ) -> Json:
        """Return what the classifier reads of a text.

        Args:
            text: at most 10,000 characters.
            lower: to lower case.
            stem: words to their stems.
            filters: what this regular expression matches becomes a space.
            stopwords: words left out, separated by spaces; by default those of the language.
            language: a name or an ISO code; that of the data where it is empty.
        """
        read = self._services.preprocessing.preprocess(
            text, lower, stem, filters, stopwords, language
        )
        return {"preprocessed": read}

    def predict(self, texts: list[str], version: str = "") -> Json:
        """Predict the tags of texts.

        Args:
            texts: at most 10,000 texts of 20,000 characters each, unless the server says otherwise.
            version: a version's name; the latest that can predict where it is empty.
        """
        name = version or self._services.versions.latest("predictor")
        num_tags = len(self._services.versions.load(name).performance["class"])
        if len(texts) * num_tags > MAX_VALUES:
            raise TagifaiError(
                f"{len(texts):,} texts have {len(texts) * num_tags:,} probabilities of "
                f"{num_tags:,} tags, and an answer at most {MAX_VALUES:,}: send at most "
                f"{MAX_VALUES // num_tags:,} texts at a time"
            )
        predictions = self._services.inference.predict_texts(name, texts)
        return {"version": name, "predictions": [one.to_dict() for one in predictions]}

    def list_versions(self) -> list[Json]:
        """List the versions with their key metrics, in version order, the workspace last."""
        return [row.to_dict() for row in self._services.versions.history()]

    def get_params(self, version: str) -> Json:
        """Return a version's hyperparameters.

        Args:
            version: a version's name.
        """
        return dict(self._services.versions.load(version).params)

    def get_performance(self, version: str) -> Json:
        """Return a version's performance: overall, by tag, by slice, behavioral.

        Args:
            version: a version's name.
        """
        return dict(self._services.versions.load(version).performance)

    def compare_versions(self, version_a: str, version_b: str) -> Json:
        """Compare two versions, B − A, with intervals and verdicts.

        Args:
            version_a: a version's name.
            version_b: another version's name.
        """
        return self._services.comparisons.compare(version_a, version_b).to_dict()

    def inspect_tag(
        self, version: str, tag: str, outcome: str = "fp", order: str = "confident", page: int = 1
    ) -> Json:
        """Return a tag's figures on the test split, and a page of the projects behind them.

        Args:
            version: a version's name.
            tag: a tag that the version knows.
            outcome: tp, fp, fn or tn.
            order: confident, least confident, longest or random.
            page: from 1; ten projects each.
        """
        inspection = self._services.inspection
        found = inspection.outcomes(version, tag, outcome, order, "", page)
        figures = next(row for row in inspection.tag_table(version) if row.tag == tag)
        items = [asdict(one) for one in found.items]
        return {
            "figures": asdict(figures),
            "note": " ".join(inspection.limits(version)),
            **found.with_items(items)._asdict(),
        }

    def list_label_issues(
        self,
        version: str,
        kind: str = "missing",
        tag: str = "",
        split: str = "all",
        rank: str = "evidence",
        page: int = 1,
    ) -> Json:
        """List suspected label errors with their evidence and reviews, the likeliest first.

        Args:
            version: a version's name.
            kind: missing (the project lacks the tag) or wrong (it carries it).
            tag: a tag that the version knows; all of them where it is empty.
            split: train, val, test, train+val or all.
            rank: evidence or probability.
            page: from 1; ten pairs each.
        """
        reviews = self._services.reviews
        found = reviews.page(QueueChoice(version, kind, tag or None, split, rank, "all"), page)
        items = [reviews.describe(version, item.pair).to_json() for item in found.items]
        return found.with_items(items)._asdict()

    def submit_review(
        self,
        request: gr.Request,
        version: str,
        project: str,
        tag: str,
        decision: str,
        note: str = "",
    ) -> dict[str, str]:
        """Save a decision on a label; only who may write reviews may call it.

        Args:
            version: the version whose suspicion it is about.
            project: a project's id.
            tag: a tag that the version and the data know.
            decision: add, remove, right (the label is as it should be) or skip.
            note: at most 2,000 characters.
        """
        saved = self._services.reviews.decide(
            visit_of(request), version, (project, tag), decision, note
        )
        return saved.to_dict()


def build(services: Services) -> None:
    """Declare the endpoints on the page being built."""
    endpoints = Endpoints(services)
    for name in vars(Endpoints):
        if not name.startswith("_"):
            gr.api(
                checked(getattr(endpoints, name)),
                api_name=name,
                concurrency_limit=PREDICTIONS_AT_ONCE if name == "predict" else "default",
            )


def checked(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Refuse arguments of other types than declared, and pass mistakes on as the API's errors.

    Gradio reads the types that a function declares, and checks none of them.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def check_and_call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if why_not := why_refused(value, signature.parameters[name].annotation):
                raise gr.Error(f"{name}: {why_not}", print_exception=False)
        try:
            return function(*args, **kwargs)
        except TagifaiError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return check_and_call


def why_refused(value: object, declared: object) -> str:
    """Return why a value is not of the type that an argument declares, "" where it is.

    >>> why_refused(7, str), why_refused(["a", 7], list[str]), why_refused(None, str | None)
    ('str is needed, got int', 'a list of strings is needed', '')
    """
    if declared == list[str]:
        fine = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return "" if fine else "a list of strings is needed"
    if declared not in CHECKED:
        return ""
    kinds, name = CHECKED[declared]
    return "" if isinstance(value, kinds) else f"{name} is needed, got {type(value).__name__}"
