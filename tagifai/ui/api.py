"""The endpoints that other programs call, over HTTP, gradio_client and MCP: JSON in and out."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.reviews.queues import QueueChoice
from tagifai.services.app import Services
from tagifai.text.preprocessing import FILTERS
from tagifai.ui.server.visits import visit_of


def build(services: Services) -> None:
    """Declare the endpoints on the page being built."""

    def filter_tags(min_tag_freq: int = 30) -> dict[str, Any]:
        """Tell which tags reach a minimum number of projects, and what remains.

        Args:
            min_tag_freq: whole number of 1 or more.
        """
        return answer(lambda: asdict(services.data.filter_tags(min_tag_freq)))

    def preprocess(
        text: str,
        lower: bool = True,
        stem: bool = False,
        filters: str = FILTERS,
        stopwords: str | None = None,
        language: str = "",
    ) -> dict[str, Any]:
        """Show what the classifier reads of a text.

        Args:
            text: at most 10,000 characters.
            lower: to lower case.
            stem: words to their stems.
            filters: what this regular expression matches becomes a space.
            stopwords: words left out, separated by spaces; by default those of the language.
            language: a name or an ISO code; that of the data where it is empty.
        """
        check_types(
            text=(text, str),
            lower=(lower, bool),
            stem=(stem, bool),
            filters=(filters, str),
            language=(language, str),
        )
        if stopwords is not None:
            check_types(stopwords=(stopwords, str))
        given = (text, lower, stem, filters, stopwords, language)
        return answer(lambda: {"preprocessed": services.preprocessing.preprocess(*given)})

    def predict(texts: list[str], version: str = "") -> dict[str, Any]:
        """Predict the tags of texts.

        Args:
            texts: at most 10,000 texts of 20,000 characters each, unless the server says otherwise.
            version: a version's name; the latest that can predict where it is empty.
        """
        check_types(version=(version, str))
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise gr.Error("texts: a list of strings is needed", print_exception=False)
        name = version or answer(lambda: services.versions.latest("model"))
        return answer(
            lambda: {
                "version": name,
                "predictions": [
                    one.to_dict() for one in services.inference.predict_texts(name, texts)
                ],
            }
        )

    def list_versions() -> list[dict[str, Any]]:
        """List the versions with their key metrics, in version order, the workspace last."""
        return answer(lambda: [row.to_dict() for row in services.versions.history()])

    def get_params(version: str) -> dict[str, Any]:
        """Give a version's hyperparameters.

        Args:
            version: a version's name.
        """
        check_types(version=(version, str))
        return answer(lambda: dict(services.versions.load(version).params))

    def get_performance(version: str) -> dict[str, Any]:
        """Give a version's performance: overall, by tag, by slice, behavioral.

        Args:
            version: a version's name.
        """
        check_types(version=(version, str))
        return answer(lambda: dict(services.versions.load(version).performance))

    def compare_versions(version_a: str, version_b: str) -> dict[str, Any]:
        """Compare two versions, B − A, with intervals and verdicts.

        Args:
            version_a: a version's name.
            version_b: another version's name.
        """
        check_types(version_a=(version_a, str), version_b=(version_b, str))
        return answer(lambda: services.comparisons.compare(version_a, version_b).to_dict())

    def inspect_tag(
        version: str, tag: str, outcome: str = "fp", order: str = "confident", page: int = 1
    ) -> dict[str, Any]:
        """Give a tag's figures on the test split, and a page of the projects behind them.

        Args:
            version: a version's name.
            tag: a tag that the version knows.
            outcome: tp, fp, fn or tn.
            order: confident, least confident, longest or random.
            page: from 1; ten projects each.
        """
        check_types(
            version=(version, str), tag=(tag, str), outcome=(outcome, str), order=(order, str)
        )

        def inspect() -> dict[str, Any]:
            found = services.inspection.outcomes(version, tag, outcome, order, "", page)
            rows = [row for row in services.inspection.tag_table(version) if row.tag == tag]
            note = services.versions.note(version)
            items = [asdict(one) for one in found.items]
            return {"figures": asdict(rows[0]), "note": note, **found.with_items(items)._asdict()}

        return answer(inspect)

    def list_label_issues(
        version: str,
        kind: str = "missing",
        tag: str = "",
        split: str = "all",
        rank: str = "evidence",
        page: int = 1,
    ) -> dict[str, Any]:
        """List suspected label errors with their evidence and reviews, the likeliest first.

        Args:
            version: a version's name.
            kind: missing (the project lacks the tag) or wrong (it carries it).
            tag: a tag that the version knows; all of them where it is empty.
            split: train, val, test, train+val or all.
            rank: evidence or probability.
            page: from 1; ten pairs each.
        """
        check_types(
            version=(version, str),
            kind=(kind, str),
            tag=(tag, str),
            split=(split, str),
            rank=(rank, str),
        )

        def listed() -> dict[str, Any]:
            choice = QueueChoice(version, kind, tag or None, split, rank, "all")
            found = services.reviews.page(choice, page)
            items = [
                services.reviews.describe(version, item.pair).to_json() for item in found.items
            ]
            return found.with_items(items)._asdict()

        return answer(listed)

    def submit_review(
        request: gr.Request, version: str, project: str, tag: str, decision: str, note: str = ""
    ) -> dict[str, str]:
        """Keep a decision on a label; only who may write reviews may call it.

        Args:
            version: the version whose suspicion it is about.
            project: a project's id.
            tag: a tag that the version and the data know.
            decision: add, remove, right (the label is as it should be) or skip.
            note: at most 2,000 characters.
        """
        check_types(
            version=(version, str),
            project=(project, str),
            tag=(tag, str),
            decision=(decision, str),
            note=(note, str),
        )
        return answer(
            lambda: services.reviews.decide(
                visit_of(request), version, (project, tag), decision, note
            ).to_dict()
        )

    endpoints: tuple[Callable[..., Any], ...] = (
        filter_tags,
        preprocess,
        predict,
        list_versions,
        get_params,
        get_performance,
        compare_versions,
        inspect_tag,
        list_label_issues,
        submit_review,
    )
    for endpoint in endpoints:
        # Thousands of texts take a while: no more than two such calls share the processors.
        at_once = 2 if endpoint is predict else "default"
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=at_once)


def answer(ask: Callable[[], Any]) -> Any:
    """Pass on an answer, or a mistake of the caller's as the API's own kind of error."""
    try:
        return ask()
    except TagifaiError as error:
        raise gr.Error(str(error), print_exception=False) from None


def check_types(**given: tuple[Any, type]) -> None:
    """Refuse arguments of another type than declared: Gradio doesn't look at type hints."""
    for name, (value, kind) in given.items():
        if not isinstance(value, kind):
            raise gr.Error(
                f"{name}: {kind.__name__} is needed, got {type(value).__name__}",
                print_exception=False,
            )
