"""How an event is sent whose handler only reads, and answers within milliseconds."""

from typing import Any

# Of one control's event, one function alone: Gradio's page runs those of an event in turn, and
# repeats the whole event where one was still under way. Two that wait for the last ("always_last")
# so repeat each other without end; what else is to follow comes with `.then`.
QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "always_last",
}
