"""Check on the server what a page's fields promise, before a function is called.

What Gradio does
    `Textbox(max_length=)` holds in the browser alone. A program that calls the server may send a
    text of any length, a list in place of a text, NaN, or None, and the function has to bear it.
    What the function cannot bear ends as a traceback in the server's log. An event's `validator=`
    is skipped for functions with `queue=False`, and would be needed on each event.
    On the other hand a number beyond its field's ends, as somebody types it digit by digit, is an
    error 500; so is a choice of a dropdown whose choices another answer has just replaced, or
    whose session the server has forgotten.
Versions
    4.0 to 6.31.
Without it
    1,000 calls of random types (`pytest tests/security --long -k "[calls]"`) leave unhandled
    errors in the log, and texts have no limit but the request's.
Upstream
    docs/upstream/server-side-validation.md
"""

import math

import gradio as gr
from gradio.blocks import BlockFunction
from gradio.components import Checkbox, Dropdown, File, Number, Radio, Slider, Textbox
from gradio.state_holder import SessionState

from tagifai.errors import shorten

MAX_FIELD = 1_000_000
MAX_CHOSEN = 1_000


class CheckedInputs(gr.Blocks):
    """Blocks that refuse in one line what no page of theirs sends."""

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[object],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[object]:
        """Check the inputs of a function, then prepare them as Gradio does.

        Raises
        ------
        gr.Error
            An input is of another kind than its field holds, too long, or missing.
        """
        given: list[object] = []
        gone: dict[int, object] = {}
        for component, value in zip(block_fn.inputs, inputs, strict=False):
            if why_not := why_refused(component, value):
                label = getattr(component, "label", None) or "input"
                raise gr.Error(f"{label}: {why_not}", print_exception=False)
            now = state[component._id] if state and component._id in state else component
            if is_gone(now, value, as_built=now is component):
                gone[len(given)] = value
                value = None
            given.append(nearest(now, empty_value(component) if value is None else value))
        try:
            prepared: list[object] = await super().preprocess_data(
                block_fn, given, state, explicit_call
            )
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception as error:
            what = shorten(str(error.__cause__ or error), 200)
            raise gr.Error(
                f"another kind of input is needed: {what}", print_exception=False
            ) from None
        for place, value in gone.items():
            prepared[place] = value
        return prepared


def empty_value(component: object) -> object:
    """Return what a field holds that nobody filled in, where Gradio would pass on None.

    >>> empty_value(Textbox()), empty_value(Checkbox()), empty_value(Number())
    ('', False, None)
    """
    if isinstance(component, Textbox):
        return ""
    if isinstance(component, Slider):  # as on a page that is still being opened
        return component.minimum if component.value is None else component.value
    return False if isinstance(component, Checkbox) else None


def nearest(component: object, value: object) -> object:
    """Return the number that is nearest to a value between a field's ends.

    >>> nearest(Number(minimum=1), 0), nearest(Slider(0, 1), 1.5), nearest(Checkbox(), True)
    (1, 1, True)
    """
    if isinstance(component, Number | Slider) and isinstance(value, int | float):
        low, high = component.minimum, component.maximum
        value = low if low is not None and value < low else value
        return high if high is not None and value > high else value
    return value


def is_gone(component: object, value: object, *, as_built: bool) -> bool:
    """Check whether a value is none of the choices of a dropdown that answers fill.

    Whoever is asked says what is wrong with it, since it knows what there is. Where the choices
    are all there when the page is built (`as_built`), no page sends another.

    >>> is_gone(Dropdown([]), "v1", as_built=True), is_gone(Dropdown(["v1"]), "v1", as_built=True)
    (True, False)
    >>> [is_gone(Dropdown(["v1", "v2"]), "v3", as_built=one) for one in (True, False)]
    [False, True]
    """
    if not isinstance(component, Dropdown) or component.allow_custom_value or value is None:
        return False
    if as_built and len(component.choices) > 1:
        return False
    known = {choice for _, choice in component.choices}
    return not known.issuperset(value if isinstance(value, list) else [value])


def why_refused(component: object, value: object) -> str:
    """Return why a component cannot hold a value that somebody sent, "" where it can.

    >>> why_refused(Textbox(max_length=3), "four")
    '4 characters; at most 3 are allowed'
    >>> why_refused(Number(), float("nan")), why_refused(Checkbox(), True)
    ('a number is needed', '')
    """
    if value is None:
        return ""
    if isinstance(component, Textbox):
        most = component.max_length or MAX_FIELD
        if not isinstance(value, str):
            return "a text is needed"
        return f"{len(value):,} characters; at most {most:,} are allowed" * (len(value) > most)
    if isinstance(component, Number | Slider):
        return "a number is needed" * (not _is_number(value))
    if isinstance(component, Checkbox):
        return "yes or no is needed" * (not isinstance(value, bool))
    if isinstance(component, Dropdown) and component.multiselect:
        fine = isinstance(value, list) and len(value) <= MAX_CHOSEN and all(map(_is_choice, value))
        return f"a list of at most {MAX_CHOSEN:,} names is needed" * (not fine)
    if isinstance(component, Dropdown | Radio):
        return "one of its choices is needed" * (not _is_choice(value))
    if isinstance(component, File):
        return "an uploaded file is needed" * (not isinstance(value, dict))
    return ""


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of a thousand digits
        return False


def _is_choice(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_FIELD
