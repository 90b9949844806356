"""`python -m tagifai serve-api`: the endpoints, without the page."""

import argparse
import os

from tagifai.cli.commands import Answer
from tagifai.cli.terminal import print_message, print_text
from tagifai.permissions import warnings_of
from tagifai.settings import load_settings
from tagifai.spaces import Space, stay_offline
from tagifai.ui.gradio_fixes.type_stubs import leave_as_installed


def serve_api(options: argparse.Namespace) -> Answer:
    """Serve the endpoints until stopped; `options` has what `add_flags` adds."""
    stay_offline(os.environ)
    leave_as_installed()
    settings = load_settings(given=vars(options))

    # A wrong flag is told before these seconds are spent.
    from tagifai.services.app import Workbench
    from tagifai.ui.server.serving import build_api, serve

    def warn(line: str) -> None:
        print_message(f"tagifai: {line}")

    space = Space.of(os.environ)
    bench = Workbench(settings, space)
    for warning in warnings_of(settings, space):
        warn(warning)
    bench.keep_reviews(warn)
    serve(build_api(bench), settings, say=print_text, endpoints_only=True)
    return Answer({}, lambda: None)
