"""Where the page shows that a handler runs: on few components, because each one costs every event.

At each event Gradio's page tells all components that ever showed progress how it goes, and copies
what they hold, twice; of those that lie around others, what all of these hold. With the page's
outputs taken as they are, that took ten times as long as the events themselves.
"""

import gradio as gr


def narrow(page: gr.Blocks, hidden: gr.HTML) -> None:
    """Have an event show progress on what it draws first, or on `hidden` where it shows none."""
    for event in page.fns.values():
        if event.fn is None or event.show_progress_on is not None:
            continue
        drawn = [one for one in event.outputs if isinstance(one, gr.HTML) and one.elem_id]
        event.show_progress_on = [hidden] if event.show_progress == "hidden" else drawn[:1] or None
