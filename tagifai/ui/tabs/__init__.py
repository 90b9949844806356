"""The four tabs and their parts: one module each, components and handlers."""
