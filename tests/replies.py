"""What the servers that tests play have in common."""

import json
from http.server import BaseHTTPRequestHandler


class Replies(BaseHTTPRequestHandler):
    """Answer with JSON or bytes, without a line for each request."""

    def log_message(self, *_: object) -> None: ...

    def reply(self, answer: object, status: int = 200, **headers: str) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
