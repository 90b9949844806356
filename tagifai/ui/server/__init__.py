"""The server: what is let in, what is kept, where the page is."""
