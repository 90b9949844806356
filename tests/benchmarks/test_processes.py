import os
import sys
import time

import pytest

from benchmarks.processes import cpu_seconds, family, megabytes, serving

SERVER = """
import http.server, os, sys
http.server.HTTPServer(("127.0.0.1", int(os.environ["BENCH_PORT"])),
                       http.server.SimpleHTTPRequestHandler).serve_forever()
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
def test_the_processor_time_of_this_process_is_seen_from_outside():
    before, clock = cpu_seconds(os.getpid()), time.process_time()
    sum(n * n for n in range(200_000))
    seen, spent = cpu_seconds(os.getpid()) - before, time.process_time() - clock
    assert 0 < spent <= seen + 0.001
    assert megabytes(os.getpid()) > 5
    assert cpu_seconds(2**22 + 1) == 0


@linux
def test_a_program_is_served_and_ended(tmp_path, free_tcp_port):
    variables = {"BENCH_PORT": str(free_tcp_port)}
    with serving(["-c", SERVER], variables, free_tcp_port, tmp_path / "log") as server:
        assert server.seconds_to_answer > 0
        assert server.cpu_seconds() > 0
        assert family(server.process.pid) == [server.process.pid]
    assert server.process.poll() is not None


def test_a_program_that_ends_too_soon_tells_why(tmp_path, free_tcp_port):
    command = ["-c", "raise SystemExit('no such thing')"]
    with (
        pytest.raises(RuntimeError, match="no such thing"),
        serving(command, {}, free_tcp_port, tmp_path / "log"),
    ):
        pass


@pytest.fixture
def free_tcp_port():
    from servers import free_port

    return free_port()
