"""The dashboard, `tagifai` or `tagifai app`, and the endpoints alone, `tagifai serve-api`."""

import argparse
import os
from contextlib import ExitStack

from tagifai.cli.answers import Answer
from tagifai.cli.terminal import print_message, print_text
from tagifai.demonstration import is_wanted, open_demonstration
from tagifai.permissions import warnings_of
from tagifai.settings import Settings, load_settings
from tagifai.spaces import Space, stay_offline
from tagifai.ui.gradio_fixes.type_stubs import leave_as_installed


def serve_app(options: argparse.Namespace) -> Answer:
    """Serve the dashboard until stopped; the demonstration where nothing says what to show."""
    given = vars(options)
    settings = _read_settings(given)
    with ExitStack() as stack:
        if is_wanted(given, os.environ):
            demonstration = stack.enter_context(open_demonstration(os.environ))
            settings = demonstration.applied(settings, given)
            print_text(demonstration.describe())
        _serve(settings, endpoints_only=False)
    return Answer({}, lambda: None)


def serve_api(options: argparse.Namespace) -> Answer:
    """Serve the endpoints until stopped; `options` holds the flags of `add_flags`."""
    _serve(_read_settings(vars(options)), endpoints_only=True)
    return Answer({}, lambda: None)


def _read_settings(given: dict[str, object]) -> Settings:
    """Read the settings before gradio is imported, which takes seconds: a wrong flag fails first.

    `given` holds the flags of `add_flags`.
    """
    stay_offline(os.environ)
    leave_as_installed()
    return load_settings(given=given)


def _serve(settings: Settings, *, endpoints_only: bool) -> None:
    from tagifai.services.app import Services
    from tagifai.ui.app import appearance, build_app
    from tagifai.ui.gradio_fixes.queues import bound_queue
    from tagifai.ui.server.serving import build_api, serve

    def warn(line: str) -> None:
        print_message(f"tagifai: {line}")

    space = Space.of(os.environ)
    services = Services(settings, space, warn)
    page = (
        build_api(services)
        if endpoints_only
        else bound_queue(build_app(services), settings.max_waiting)
    )
    for warning in warnings_of(settings, space):
        warn(warning)
    if services.review_repository:
        services.review_repository.start()
    serve(
        page,
        settings,
        say=print_text,
        appearance=None if endpoints_only else appearance(),
        endpoints_only=endpoints_only,
        then=None if endpoints_only else services.warm_up.start,
    )
