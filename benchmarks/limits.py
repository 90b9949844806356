"""What stands in the way of a figure that is not reached, and what limits it physically."""

LIMITED = {
    "slider key to lists": "a frame is 16 ms, the floor of a round trip two of them; plain "
    "Streamlit sends its lists before it draws, so that this is a ratio of round trips",
    "slider key to plots": "a frame is 16 ms, and the floor of a round trip two of them",
    "playground key to output": "the floor of a round trip is two frames of 16 ms each",
    "first page to usable": "Gradio's page mounts in the browser: its script runs for longer than "
    "the server takes to answer, whatever the size of the data",
    "start to first answer": "the imports of Gradio, pandas and the page's 350 components are "
    "processor time before the port opens",
    "20 people dragging the slider": "Starlette's and Gradio's handling of one request is most of "
    "the processor time of an update; what the handler computes is a twentieth",
    "table search": "each letter looks through all texts once: in step with their length",
    "training on the real data": "out-of-fold predictions train the model once a fold",
}
OTHERS = "the round trip of an empty handler and the drawing of what changes are its floor"


def why_not(work: str) -> str:
    """Say what limits a kind of work, in the words of the row that it stands in.

    >>> why_not("table search, key to rows")
    'each letter looks through all texts once: in step with their length'
    """
    return next((why for start, why in LIMITED.items() if work.startswith(start)), OTHERS)
