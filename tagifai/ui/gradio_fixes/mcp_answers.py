"""Answer over MCP with JSON, and call no address but the server's own.

What Gradio does
    A tool's answer that is an object is written as Python's `str` writes it, which is no JSON.
    Where the page is mounted in another application, the tools' own client connects to the host
    that the first request names in its `Host` header.
Versions
    5.28 to 6.31.
Without it
    Assistants read `{'version': None}`, which no JSON parser takes
    (`pytest tests/ui/server/test_serving.py -k python`), and a request can have the server connect
    to a host of the sender's choice.
Upstream
    docs/upstream/mcp-json.md
"""

import gradio as gr
import orjson


def answer_in_json(demo: gr.Blocks, address: str) -> None:
    """Let the tools of a page answer in JSON; `address` is where this server is."""
    from mcp.types import TextContent

    def write(data: list[object], _root_url: str) -> list[TextContent]:
        return [TextContent(type="text", text=orjson.dumps(one).decode()) for one in data]

    server = demo.mcp_server_obj
    if server is None:  # Gradio could not start it, and has said why
        raise RuntimeError(demo.mcp_error)
    server.postprocess_output_data = write  # type: ignore[method-assign, assignment]
    server._local_url = f"{address}/"
