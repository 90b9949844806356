"""The server of the page and the endpoints: its port, its limits, who is visiting."""
