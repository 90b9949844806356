import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from predictor_servers import Reply, answering

from tagifai.errors import TagifaiError
from tagifai.models.adapters.endpoints import Endpoint, Patience, is_public

ONCE = Patience(timeout=5, retries=0)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "255.255.255.255", "224.0.0.1", "::1", "::", "fe80::1%eth0", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_are_public(address):
    assert is_public(address)


def echo(path, sent):
    return Reply({"path": path, "sent": sent})


def test_a_name_is_asked_at_the_address_that_was_checked():
    with answering(echo) as server:
        port = server.server_port
        asked = []

        def rebinding(host, port):
            asked.append((host, port))
            return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

        endpoint = Endpoint(
            f"http://tags.example:{port}/x", patience=ONCE, resolve=rebinding,
            private_hosts={"tags.example"},
        )  # fmt: skip
        assert endpoint.post(1).json("") == {"path": "/x", "sent": 1}
        assert asked == [("tags.example", port)]  # and nobody resolved the name again
        assert server.headers[0]["Host"] == f"tags.example:{port}"


@pytest.mark.parametrize(
    ("addresses", "refused"),
    [
        (["127.0.0.1"], "127.0.0.1"),
        (["8.8.8.8", "10.0.0.1"], "10.0.0.1"),
        (["::ffff:127.0.0.1"], "::ffff:127.0.0.1"),
    ],
)
def test_a_name_that_leads_to_a_private_address_is_not_asked(addresses, refused):
    with answering(echo) as server:
        url = f"http://tags.example:{server.server_port}/"
        endpoint = Endpoint(url, patience=ONCE, resolve=lambda host, port: addresses)
        with pytest.raises(TagifaiError, match=f"is at {refused}, a private address") as told:
            endpoint.post(1)
        assert "--allow-predictor private:tags.example" in str(told.value)
        assert server.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::1]"])
def test_this_machine_under_any_name(host):
    with answering(echo) as server:
        endpoint = Endpoint(f"http://{host}:{server.server_port}/", patience=ONCE)
        with pytest.raises(TagifaiError, match=r"a private address|no such host"):
            endpoint.post(1)
        assert server.asked == []


def test_localhost_is_this_machine_alone():
    with answering(echo) as server:
        url = f"http://localhost:{server.server_port}/"
        allowed = Endpoint(url, patience=ONCE, private_hosts={"localhost"})
        assert allowed.post(1).status == 200
        elsewhere = Endpoint(
            url, patience=ONCE, private_hosts={"localhost"}, resolve=lambda *_: ["10.0.0.1"]
        )
        with pytest.raises(TagifaiError, match=r"is at 10\.0\.0\.1, a private address"):
            elsewhere.post(1)


def test_another_address_of_the_same_name_is_tried():
    with answering(echo) as server:
        url = f"http://tags.example:{server.server_port}/"
        endpoint = Endpoint(
            url, patience=ONCE, private_hosts={"tags.example"},
            resolve=lambda *_: ["127.0.0.2", "127.0.0.1"],
        )  # fmt: skip
        assert endpoint.post(1).status == 200


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    with answering(echo) as proxy, answering(echo) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        Endpoint(server.url, patience=ONCE, private_hosts={"127.0.0.1"}).post(1)
        assert len(server.asked) == 1
        assert proxy.asked == []


def test_an_answer_that_is_cut_off_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cut():
            for _ in range(2):
                connection, _ = listener.accept()
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                connection.close()

        thread = threading.Thread(target=cut, daemon=True)
        thread.start()
        endpoint = Endpoint(
            f"http://127.0.0.1:{listener.getsockname()[1]}/",
            patience=Patience(timeout=5, retries=1, backoff=0.01),
            private_hosts={"127.0.0.1"},
        )
        with pytest.raises(TagifaiError, match=r"the answer was cut off .*; tried 2 times"):
            endpoint.post(1)
        thread.join(10)


@pytest.mark.parametrize(
    "junk", [b"\x00\xff junk\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n", b""]
)
def test_what_is_no_http_is_one_clear_line(junk):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(junk)
            connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        endpoint = Endpoint(url, patience=ONCE, private_hosts={"127.0.0.1"})
        with pytest.raises(TagifaiError, match=r"cut off .*; tried once"):
            endpoint.post(1)
        thread.join(10)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Make an authority, and a certificate for tags.example that it signed."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test", "-days", "2")
    openssl(
        *new, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "key.pem", "-out", "cert.pem",
        "-subj", "/CN=tags.example", "-addext", "subjectAltName=DNS:tags.example",
        "-addext", "basicConstraints=critical,CA:FALSE", "-days", "2",
    )  # fmt: skip
    return folder


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_the_certificate_has_to_be_that_of_the_name(authority, monkeypatch):
    def endpoint(host, server):
        return Endpoint(
            f"https://{host}:{server.server_port}/", patience=ONCE, private_hosts={host},
            resolve=lambda *_: ["127.0.0.1"],
        )  # fmt: skip

    with answering(echo) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / "cert.pem", authority / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with pytest.raises(TagifaiError, match="CERTIFICATE_VERIFY_FAILED"):
            endpoint("tags.example", server).post(1)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
        assert endpoint("tags.example", server).post(1).status == 200
        with pytest.raises(TagifaiError, match="CERTIFICATE_VERIFY_FAILED"):
            endpoint("other.example", server).post(1)


def test_an_address_of_version_6():
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with listener:

        def answer():
            connection, _ = listener.accept()
            asked.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
            connection.close()

        asked = []
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        endpoint = Endpoint(f"http://[::1]:{port}/", patience=ONCE, private_hosts={"::1"})
        assert endpoint.post(1).json("") == 1
        thread.join(10)
        assert f"host: [::1]:{port}".encode() in asked[0].lower()
