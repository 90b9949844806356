"""`python -m tagifai serve-api`: the endpoints, without the page."""

import argparse
import os

from tagifai.cli.answers import Answer
from tagifai.cli.terminal import print_message, print_text
from tagifai.permissions import warnings_of
from tagifai.settings import load_settings
from tagifai.spaces import Space, stay_offline
from tagifai.ui.gradio_fixes.type_stubs import leave_as_installed


def serve_api(options: argparse.Namespace) -> Answer:
    """Serve the endpoints until stopped; `options` holds the flags of `add_flags`."""
    stay_offline(os.environ)
    leave_as_installed()
    settings = load_settings(given=vars(options))

    # These imports take seconds: a wrong flag fails before them.
    from tagifai.services.app import Services
    from tagifai.ui.server.serving import build_api, serve

    def warn(line: str) -> None:
        print_message(f"tagifai: {line}")

    space = Space.of(os.environ)
    services = Services(settings, space, warn)
    for warning in warnings_of(settings, space):
        warn(warning)
    if services.review_repository:
        services.review_repository.start()
    serve(build_api(services), settings, say=print_text, endpoints_only=True)
    return Answer({}, lambda: None)
