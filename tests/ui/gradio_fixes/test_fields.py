import gradio as gr

from tagifai.ui.gradio_fixes.fields import size_by_style


def test_boxes_keep_their_size_or_grow_by_style():
    with gr.Blocks() as page:
        line, lines = gr.Textbox(), gr.Textbox(lines=5, elem_classes="own")
        hidden = gr.Textbox(visible="hidden")
    size_by_style(page)
    assert [(box.lines, box.max_lines) for box in (line, lines, hidden)] == [(1, 1), (5, 5), (2, 2)]
    assert [box.elem_classes for box in (line, lines, hidden)] == [[], ["own", "grows"], []]


def test_gradio_still_lets_boxes_grow_of_themselves():
    with gr.Blocks():
        assert gr.Textbox(lines=2).max_lines != 2
