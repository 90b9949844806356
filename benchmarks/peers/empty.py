"""Gradio with next to nothing: the floor of a round trip, and of a start with one empty tab."""

import os
import sys

import gradio as gr

HANDLER = "--handler" in sys.argv


def build() -> gr.Blocks:
    with gr.Blocks(analytics_enabled=False) as demo, gr.Tabs(), gr.Tab("Nothing"):
        if HANDLER:
            slider = gr.Slider(0, 1_000, value=500, step=1, elem_id="floor", interactive=True)
            shown = gr.HTML("<b>500</b>", elem_id="floor-shown")
            slider.change(
                lambda number: f"<b>{number}</b>",
                slider,
                shown,
                queue=False,
                show_progress="hidden",
                trigger_mode="always_last",
                api_visibility="private",
            )
    return demo


if __name__ == "__main__":
    build().launch(
        server_name="127.0.0.1",
        server_port=int(os.environ["BENCH_PORT"]),
        quiet=True,
        ssr_mode=False,
        run_history=False,
        show_error=False,
        state_session_capacity=200,
    )
