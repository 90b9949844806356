"""The one theme of the page, light and dark; words stand out by 4.5 to 1 (WCAG's AA)."""

import gradio as gr


def theme() -> gr.themes.Base:
    """Build the theme; its fonts are the system's, so that none is fetched."""
    return gr.themes.Soft(
        primary_hue="blue",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        # Soft's own blues and greys are too light to be read by all.
        block_label_text_color="*primary_700",
        block_title_text_color="*primary_700",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_300",
        checkbox_label_background_fill_selected="*primary_600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        link_text_color="*secondary_700",
        link_text_color_dark="*secondary_300",
        color_accent="*primary_600",
    )
