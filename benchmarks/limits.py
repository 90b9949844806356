"""What stands in the way of a figure that is not reached, and what limits it physically."""

LIMITED = {
    "slider key": "a frame is 16 ms, and the floor of a round trip two of them",
    "playground key to output": "the floor of a round trip is two frames of 16 ms each",
    "first page to usable": "Gradio's page mounts in the browser, whatever the size of the data",
    "start to first answer": "imports, and the page's components, are processor time before the "
    "port opens",
    "20 people dragging the slider": "both serve all twenty from one process each",
    "key metrics of versions, cold": "each file is opened, parsed, and its figures are "
    "checked and named one by one in Python",
    "key metrics of versions, warm": "one look at each file: its time, size and number",
    "10,000 predictions": "one text alone takes a shorter way through the features, so that there "
    "is less to win by taking many",
    "tag, to figures": "Gradio's page takes each choice with the mouse in twice, and the answer "
    "fills ten components",
    "version, to figures": "as for the tag, and sixteen components are filled",
    "version compared": "as for the tag, and twelve components are filled",
}
OTHERS = "the round trip of an empty handler and the drawing of what changes are its floor"


def why_not(work: str) -> str:
    """Say what limits a kind of work, in the words of the row that it stands in.

    >>> why_not("key metrics of versions, warm")
    'one look at each file: its time, size and number'
    """
    return next((why for start, why in LIMITED.items() if work.startswith(start)), OTHERS)
