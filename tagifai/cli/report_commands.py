"""`python -m tagifai report`: write a report that can be sent."""

import argparse

from tagifai.cli.answers import Answer, open_versions
from tagifai.cli.terminal import print_text
from tagifai.errors import TagifaiError
from tagifai.settings import reviews_file


def write_report(options: argparse.Namespace) -> Answer:
    """Write a report on version A, or on B compared with A."""
    from tagifai.report import gather
    from tagifai.report.page import write_page
    from tagifai.services.comparisons import ComparisonService
    from tagifai.services.reviews import ReviewService

    versions = open_versions(options)
    reviews = ReviewService(versions, reviews_file(options.data, options.reviews))
    page = write_page(gather(ComparisonService(versions), reviews, options.a, options.b)).encode()
    try:
        options.output.write_bytes(page)
    except OSError as error:
        raise TagifaiError(f"{options.output}: cannot be written ({error.strerror})") from None
    return Answer(
        {"file": str(options.output), "bytes": len(page)},
        lambda: print_text(f"{options.output}: {len(page):,} bytes"),
    )
