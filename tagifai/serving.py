"""`python -m tagifai serve-api`: the endpoints, without the page."""

import argparse
import os

from tagifai.commands import Answer
from tagifai.permissions import warnings_of
from tagifai.settings import load_settings
from tagifai.spaces import Space, stay_offline
from tagifai.terminal import print_message, print_text


def serve_api(options: argparse.Namespace) -> Answer:
    """Serve the endpoints until stopped; `options` has what `add_flags` adds."""
    stay_offline(os.environ)
    settings = load_settings(given=vars(options))

    # A wrong flag is told before these seconds are spent.
    from tagifai.ui.serving import build_api, serve
    from tagifai.workbench import Workbench

    for warning in warnings_of(settings, Space.of(os.environ)):
        print_message(f"tagifai: {warning}")
    serve(build_api(Workbench(settings)), settings, say=print_text, endpoints_only=True)
    return Answer({}, lambda: None)
