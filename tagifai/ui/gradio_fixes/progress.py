"""Show that a handler runs on few components, because each one costs every event.

What Gradio does
    At each event the page's script updates the progress of all components that ever showed some,
    by default all outputs of all events, and copies what they hold, twice; of components that lie
    around others, what all of these hold.
Versions
    5.0 to 6.31.
Without it
    A text to preprocess is answered in 177 ms instead of 62, a row of the differences in 411
    instead of 172 (medians of 56 and 30, the same pages side by side on two busy cores; the ratio
    counts): the page without `narrow` beside the page with it, after all tabs were opened.
Upstream
    docs/upstream/progress.md
"""

import gradio as gr

WAITING = '<span role="status">Waiting for an answer …</span>'


def add_waiting() -> gr.HTML:
    """Add the line that `style.css` shows while an answer is waited for longer than one notices."""
    return gr.HTML(WAITING, elem_id="waiting", apply_default_css=False, padding=False)


def narrow(page: gr.Blocks, waiting: gr.HTML) -> None:
    """Let events show progress on what they draw first, and those past the queue on `waiting`.

    Parameters
    ----------
    page
        The page, complete.
    waiting
        What `add_waiting` returned. Queued events that hide their progress are given it too: it
        holds little.
    """
    for event in page.fns.values():
        if event.fn is None or event.show_progress_on is not None:
            continue
        if event.show_progress == "hidden":
            event.show_progress_on = [waiting]
            if not event.queue:
                event.show_progress = "minimal"
        else:
            drawn = [one for one in event.outputs if isinstance(one, gr.HTML) and one.elem_id]
            event.show_progress_on = drawn[:1] or None
