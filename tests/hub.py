"""What the app asks of Hugging Face, answered on this machine: logins, and one dataset."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from replies import Replies

DATASET = "ann/reviews"
COMMIT = "0" * 40


class Hub(ThreadingHTTPServer):
    """The account that logs in is `user`; the dataset's files are `files`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.user = "ann"
        self.files: dict[str, bytes] = {}
        self.exists = False
        self.created: dict[str, object] = {}
        self.tokens: set[str] = set()
        self.nonces: dict[str, str] = {}
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})

    def id_token(self, nonce: str) -> str:
        claims = {
            "iss": self.url, "aud": "client", "sub": self.user, "nonce": nonce,
            "iat": int(time.time()), "exp": int(time.time()) + 3600, "name": self.user,
            "preferred_username": self.user, "picture": "", "profile": "",
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)


class Answers(Replies):
    server: Hub

    def do_GET(self) -> None:
        hub, url = self.server, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/.well-known/openid-configuration":
            self.reply(
                {
                    "issuer": hub.url,
                    "authorization_endpoint": f"{hub.url}/oauth/authorize",
                    "token_endpoint": f"{hub.url}/oauth/token",
                    "jwks_uri": f"{hub.url}/oauth/keys",
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        elif url.path == "/oauth/keys":
            self.reply({"keys": [hub.key.as_dict(private=False)]})
        elif url.path == "/oauth/authorize":
            hub.nonces["code"] = query["nonce"]
            back, sign = query["redirect_uri"], "&" if "?" in query["redirect_uri"] else "?"
            self.reply({}, 302, Location=f"{back}{sign}code=code&state={quote(query['state'])}")
        elif not hub.exists:
            self.reply({}, 404, X_Error_Code="RepoNotFound")
        elif url.path.startswith(f"/api/datasets/{DATASET}/tree/"):
            listed = [
                {"type": "file", "path": name, "size": len(content), "oid": COMMIT}
                for name, content in hub.files.items()
            ]
            self.reply(listed)
        elif url.path.startswith(f"/api/datasets/{DATASET}"):
            listed = [{"rfilename": name} for name in hub.files]
            self.reply({"id": DATASET, "sha": COMMIT, "siblings": listed})
        elif url.path.startswith(f"/datasets/{DATASET}/resolve/{COMMIT}/"):
            content = hub.files[url.path.partition(f"{COMMIT}/")[2]]
            tag = f'"{hashlib.sha1(content).hexdigest()}"'
            self.reply(content, ETag=tag, X_Repo_Commit=COMMIT)
        else:
            self.reply({}, 404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        hub, path = self.server, urlsplit(self.path).path
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if path == "/oauth/token":
            token = {"access_token": "a", "token_type": "bearer", "expires_in": 3600}
            self.reply({**token, "id_token": hub.id_token(hub.nonces["code"])})
            return
        hub.tokens.add(self.headers["Authorization"] or "")
        if path == "/api/repos/create":
            hub.exists, hub.created = True, json.loads(body)
            self.reply({"url": f"{hub.url}/datasets/{DATASET}"})
        elif path.startswith(f"/api/datasets/{DATASET}/preupload/"):
            asked = json.loads(body)["files"]
            plain = {"uploadMode": "regular", "shouldIgnore": False}
            self.reply({"files": [{"path": one["path"], **plain} for one in asked]})
        elif path.startswith(f"/api/datasets/{DATASET}/commit/"):
            for line in body.splitlines():
                told = json.loads(line)
                if told["key"] == "file":
                    content = base64.b64decode(told["value"]["content"])
                    hub.files[told["value"]["path"]] = content
            url = f"{hub.url}/datasets/{DATASET}/commit/{COMMIT}"
            self.reply({"success": True, "commitUrl": url, "commitOid": COMMIT})
        else:
            self.reply({}, 404)


@contextmanager
def running_hub() -> Iterator[Hub]:
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join(10)
