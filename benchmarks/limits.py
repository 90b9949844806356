"""What stands in the way of a figure that is not reached, and what limits it physically."""

LIMITED = {
    "slider key": "the page draws a step itself, in three frames of 16 ms where the browser has "
    "a core; the plain page's own time varies by half, and its steps with much data are few",
    "playground key to output": "as long as an empty handler's round trip (`slider key to a "
    "number`): what preprocesses is Python, on the server",
    "first page to usable": "Gradio's page mounts in the browser, whatever the size of the data",
    "20 people dragging the slider": "both serve all twenty from one process each",
    "key metrics of versions, cold": "opening each file and decoding it, in C, is two thirds of "
    "it; what is left is one list of figures a file and the order of the names",
    "key metrics of versions, warm": "one look at each file: its time, size and number",
    "10,000 predictions": "one text alone takes a shorter way through the features, so that there "
    "is less to win by taking many",
    "table search": "an empty handler's round trip is a third of it; fifty rows are drawn anew",
    "tag, to figures": "Gradio's page takes in the choice before it asks, and draws a chart, a "
    "table and marked texts; the words of ten projects are explained first, of much data ever "
    "other ones",
    "version, to figures": "Gradio's page takes in the choice before it asks, and draws a chart, "
    "three tables and marked texts; the words of ten projects are explained first, of much data "
    "ever other ones",
    "version compared": "Gradio's page takes in the choice before it asks, and draws charts, "
    "tables and cards anew",
    "threshold, key": "a chart, a table and marked texts are drawn anew, beside the figures",
    "key to tags": "a prediction, its reasons and the figures of each tag are drawn anew, while "
    "the pages beside it keep the two cores busy",
}
OTHERS = "the round trip of an empty handler and the drawing of what changes are its floor"


def why_not(work: str) -> str:
    """Return what limits a kind of work, in the words of the row that it stands in.

    >>> why_not("key metrics of versions, warm")
    'one look at each file: its time, size and number'
    """
    return next((why for start, why in LIMITED.items() if work.startswith(start)), OTHERS)
