"""What the server keeps of each visitor: what their choices were made of, not what they typed.

Gradio copies the settings of every component for every session, and keeps each field's last value,
for links of its own that this page does not have. That takes longer than most calls, and two
hundred strangers with megabytes of text each would fill the memory.
"""

from copy import copy
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

HOUR = 3_600


class LightStates(StateHolder):
    """The sessions of a page, each of them light."""

    def __getitem__(self, session_id: str) -> SessionState:
        """Give a session, new where it is not known."""
        if session_id not in self.session_data:
            self.session_data[session_id] = LightState(self.blocks)
        return super().__getitem__(session_id)

    def update(self, session_id: str) -> None:
        """Note that a session was used; where there are too many, forget one.

        Calls of programs make sessions, too, that hold nothing: those go first, so that no flood
        of calls takes their lists from open pages.
        """
        with self.lock:
            if session_id in self.session_data:
                self.session_data.move_to_end(session_id)
            if len(self.session_data) > self.capacity:
                others = [one for one in self.session_data if one != session_id]
                idle = (one for one in others if not holds_something(self.session_data[one]))
                evicted = next(idle, others[0])
                del self.session_data[evicted]
                self.time_last_used.pop(evicted, None)


def holds_something(state: SessionState) -> bool:
    """Tell whether a session's page or its states changed since it was opened."""
    return not isinstance(state, LightState) or state.changed


class LightState(SessionState):
    """A session that keeps components that changed, and its `gr.State`s."""

    def __init__(self, blocks: gr.Blocks) -> None:
        # Not super's: it is what takes long.
        self.blocks_config = copy(blocks.default_config)
        self.config_values = _NoValues()
        self.changed = False
        self.state_data = {}
        self._state_ttl = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = HOUR

    def __setitem__(self, key: int, value: Any) -> None:
        """Keep what changed."""
        self.changed = True
        super().__setitem__(key, value)


class _NoValues(dict[int, Any]):
    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: int) -> dict[str, Any]:
        return {}

    def __setitem__(self, key: int, value: Any) -> None:
        pass


def keep_little(demo: gr.Blocks) -> None:
    """Have a page that was launched keep light sessions from now on."""
    states = LightStates()
    states.set_blocks(demo)
    demo.app.state_holder = states
