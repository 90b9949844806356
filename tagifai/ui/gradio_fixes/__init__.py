"""Workarounds for Gradio: one module each, with its reason, its cost and its test."""
