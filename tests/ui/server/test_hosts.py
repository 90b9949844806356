import pytest

from tagifai.settings import Settings
from tagifai.spaces import Space
from tagifai.ui.server.hosts import ServedHosts, host_of


@pytest.mark.parametrize(
    ("settings", "served", "refused"),
    [
        (Settings(), ["127.0.0.1:7860", "localhost", "[::1]:7860", "LocalHost:1"],
         ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "localhost@evil.example",
          "evil.example/localhost", "[::2]"]),
        (Settings(host="0.0.0.0"), ["192.168.1.7:7860", "[fe80::1]", "localhost"],
         ["evil.example:7860", "192.168.1.7.evil.example"]),
        (Settings(host="box.lan"), ["box.lan:7860", "10.0.0.1"], ["evil.example"]),
        (Settings(allowed_host=("tags.example.org", "*.example.net")),
         ["TAGS.example.org:443", "a.b.example.net", "localhost"],
         ["example.org", "example.net", "x.tags.example.org"]),
        (Settings(root_path="https://tags.example.org/x"), ["tags.example.org"], ["example.org"]),
        (Settings(allowed_host=("*",)), ["anything.example"], []),
    ],
)  # fmt: skip
def test_an_app_is_served_under_its_names(settings, served, refused):
    hosts = ServedHosts.of(settings)
    assert [host for host in served if not hosts.serve(host)] == []
    assert [host for host in refused if hosts.serve(host)] == []


def test_a_space_is_reached_through_its_proxy_alone():
    assert ServedHosts.of(Settings(), Space("ann/tags")).serve("ann-tags.hf.space")


def test_a_link_that_comes_later_is_served_from_then_on():
    hosts = ServedHosts.of(Settings(share=True))
    assert not hosts.serve("abc.gradio.live")
    hosts.add("ABC.gradio.live")
    assert hosts.serve("abc.gradio.live")


@pytest.mark.parametrize("text", ["[", "a b", "a@b", "a/b", "[::1", "a\\b", "?", "#"])
def test_what_is_no_host_has_no_name(text):
    assert host_of(text) == ""
