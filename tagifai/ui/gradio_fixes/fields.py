"""Text boxes, sized by style alone: Gradio's script lays the whole page out anew at each key."""

import gradio as gr

GROWS = "grows"


def size_by_style(page: gr.Blocks) -> None:
    """Have the page's text boxes keep the size that they begin with, or grow by `style.css`."""
    for box in page.blocks.values():
        if not isinstance(box, gr.Textbox):
            continue
        if box.visible == "hidden":
            # No single line: that would lose the ends of lines.
            box.lines = 2
        elif box.lines > 1:
            box.elem_classes = [*box.elem_classes, GROWS]
        box.max_lines = box.lines
