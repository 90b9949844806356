"""Store of each session what its choices were made of, not what was typed.

What Gradio does
    Each session copies the settings of every component and keeps every field's last value, for
    links that this page does not offer (`gr.DeepLinkButton`). When there are too many sessions
    the oldest goes, and each call of a program without a session makes one.
Versions
    5.20 to 6.31.
Without it
    A session takes 640 KB on this page, and as much again as was typed: 200 sessions that each
    sent a text of a megabyte fill 300 MB (`pytest tests/security --long -k "[visitors]"`). A flood
    of calls takes their lists from open pages, which then cannot choose from them.
Upstream
    docs/upstream/session-state.md
"""

import gradio as gr
from gradio.state_holder import SessionState, StateHolder


class LightStates(StateHolder):
    """The sessions of a page, each of them light."""

    def __getitem__(self, session_id: str) -> SessionState:
        """Return a session, a new one where it is not known."""
        if session_id not in self.session_data:
            self.session_data[session_id] = LightState(self.blocks)
        return super().__getitem__(session_id)

    def update(self, session_id: str) -> None:
        """Note that a session was used; where there are too many, forget one.

        Sessions that hold nothing, as those of programs, are forgotten first.
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
    """Check whether a session's components or states changed since it was opened."""
    return not isinstance(state, LightState) or state.changed


class LightState(SessionState):
    """A session that keeps the components that changed, and its `gr.State`s."""

    def __init__(self, blocks: gr.Blocks) -> None:
        super().__init__(blocks)
        self.config_values = _NoValues()
        self.changed = False

    def __setitem__(self, key: int, value: object) -> None:
        """Store what changed."""
        self.changed = True
        super().__setitem__(key, value)


class _NoValues(dict[int, dict[str, object]]):
    """Accept every component's settings, and store none."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: int) -> dict[str, object]:
        return {}

    def __setitem__(self, key: int, value: dict[str, object]) -> None:
        pass


def keep_little(demo: gr.Blocks) -> None:
    """Let the application of a page keep light sessions from now on."""
    states = LightStates()
    states.set_blocks(demo)
    demo.app.state_holder = states
