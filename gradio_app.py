"""Start the dashboard: settings → data, versions, cache → page → port."""

import os
import sys

from tagifai.errors import TagifaiError
from tagifai.models.predictor_spec import AllowedPredictors
from tagifai.permissions import warnings_of
from tagifai.settings import Settings, load_settings
from tagifai.spaces import Space, stay_offline
from tagifai.ui.gradio_fixes.type_stubs import leave_as_installed


def read_settings() -> Settings:
    """Read the command line where this file is the program, the environment alone elsewhere."""
    arguments = sys.argv[1:] if __name__ == "__main__" else None
    try:
        found = load_settings(arguments)
    except TagifaiError as error:
        sys.exit(f"tagifai: {error}")
    try:
        AllowedPredictors.of(found.allow_predictor)
    except TagifaiError as error:
        print(f"tagifai: {error}", file=sys.stderr)
        sys.exit(2)
    return found


stay_offline(os.environ)
leave_as_installed()
settings = read_settings()

from tagifai.services.app import Services  # noqa: E402
from tagifai.ui.app import appearance, build_app  # noqa: E402 - `--help` needs no gradio
from tagifai.ui.gradio_fixes.queues import bound_queue  # noqa: E402
from tagifai.ui.server.serving import serve  # noqa: E402

space = Space.of(os.environ)


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def warn(line: str) -> None:
    """Print a warning to standard error."""
    print(f"tagifai: {line}", file=sys.stderr, flush=True)


services = Services(settings, space, warn)
try:
    demo = bound_queue(build_app(services), settings.max_waiting)
except TagifaiError as error:
    sys.exit(f"tagifai: {error}")

if __name__ == "__main__":
    for warning in warnings_of(settings, space):
        warn(warning)
    try:
        if services.review_repository:
            services.review_repository.start()
        serve(demo, settings, appearance=appearance(), say=say, then=services.warm_up.start)
    except TagifaiError as error:
        sys.exit(f"tagifai: {error}")
