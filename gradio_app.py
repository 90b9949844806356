"""Start the dashboard: settings → data, versions, cache → page → port."""

import os
import sys
from typing import Any

# Before gradio is imported: no look-up of ours leaves the machine.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from tagifai.errors import TagifaiError
from tagifai.permissions import warning_of
from tagifai.settings import Settings, load_settings
from tagifai.users import Logins


def read_settings() -> Settings:
    """Read the command line where this file is the program, the environment alone elsewhere."""
    arguments = sys.argv[1:] if __name__ == "__main__" else None
    try:
        return load_settings(arguments)
    except TagifaiError as error:
        sys.exit(f"tagifai: {error}")


settings = read_settings()

from tagifai.ui.app import build_app, launch_options  # noqa: E402 - `--help` needs no gradio
from tagifai.workbench import Workbench  # noqa: E402

demo = build_app(Workbench(settings))
demo.queue(max_size=64, default_concurrency_limit=4)


def read_logins(path: str) -> Logins | None:
    """Read who may log in; None where everybody may look."""
    try:
        return Logins(path) if path else None
    except TagifaiError as error:
        sys.exit(f"tagifai: {error}")


if __name__ == "__main__":
    logins = read_logins(settings.auth_file)
    if warning := warning_of(settings):
        print(f"tagifai: {warning}", file=sys.stderr)
    # Gradio awaits an asynchronous check, though its hints don't say so.
    check: Any = logins.check if logins else None
    demo.launch(
        auth=check,
        server_name=settings.host,
        server_port=settings.port,
        share=settings.share,
        root_path=settings.root_path or None,
        **launch_options(),
    )
