"""How an event is sent whose handler only reads, and answers within milliseconds."""

from typing import Any

QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "always_last",
}
