import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.upstream.requests import Origin, request_head, target_of

URL = "https://api.example.com/v1/chat"


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    (
        ("http://api.example.com/", Origin("http", "api.example.com", 80), "api.example.com"),
        ("https://API.Example.com/", Origin("https", "api.example.com", 443), "api.example.com"),
        ("https://api.example.com:443/", Origin("https", "api.example.com", 443), "api.example.com"),
        ("https://api.example.com:8443/", Origin("https", "api.example.com", 8443), "api.example.com:8443"),
        ("HTTP://api.example.com:443/", Origin("http", "api.example.com", 443), "api.example.com:443"),
        ("https://b\u00fccher.example/", Origin("https", "xn--bcher-kva.example", 443), "xn--bcher-kva.example"),
        ("https://my_host.internal./", Origin("https", "my_host.internal.", 443), "my_host.internal."),
        ("http://[::1]:80/", Origin("http", "::1", 80), "[::1]"),
        ("http://[fe80::1%eth0]:81/", Origin("http", "fe80::1%eth0", 81), "[fe80::1]:81"),
    ),
)
def test_an_origin_and_its_host_header(url: str, origin: Origin, host: str) -> None:
    target = target_of(url)
    assert target.origin == origin
    assert f"\r\nhost: {host}\r\n" in target.head


@pytest.mark.parametrize(
    "url",
    (
        "https://",
        "https://user:password@api.example.com/",
        "https://user@api.example.com/",
        "https://api example.com/",
        "https://api.example.com:0/",
        "https://api.example.com:-1/",
        "https://api..example.com/",
        "https://[::1/",
        "https://[api.example.com]/",
        "https://a%0d%0ab/",
        "ws://api.example.com/",
        "file:///etc/passwd",
        "//api.example.com/",
    ),
)
def test_what_is_no_address_of_an_http_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        target_of(url)


@given(st.text())
def test_whatever_the_path_the_head_stays_one_request(path: str) -> None:
    try:
        head = request_head(target_of(f"{URL}/{path}"), {}, 2)
    except ValueError:
        return
    line, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert line.count(b" ") == 2
    assert line.isascii()
    assert [field.partition(b":")[0] for field in fields] == [b"host", b"accept-encoding", b"content-length"]


@given(st.dictionaries(st.text(), st.text(), max_size=3))
def test_whatever_the_headers_each_stays_one(headers: dict[str, str]) -> None:
    try:
        head = request_head(target_of(URL), headers, 2)
    except ValueError:
        return
    assert head.endswith(b"\r\n\r\n")
    fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")[3:-1]
    assert fields == [f"{name}: {value}".encode() for name, value in headers.items()]
    assert not any(byte < 0x20 or byte == 0x7F for field in fields for byte in field)


@pytest.mark.parametrize("name", ("Host", "content-length", "Transfer-Encoding", "connection", "ACCEPT-ENCODING", "te"))
def test_what_frames_a_message_is_not_the_callers_to_set(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        request_head(target_of(URL), {name: "x"}, 2)


def test_names_that_only_begin_like_those_are_fine() -> None:
    head = request_head(target_of(URL), {"te-x": "1", "hostname": "2", "x-host": "3"}, 2)
    assert head.endswith(b"\r\nte-x: 1\r\nhostname: 2\r\nx-host: 3\r\ncontent-length: 2\r\n\r\n")


@pytest.mark.parametrize("name", ("", "a b", "a:", "\u00e9", "a\r\n", " a"))
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="can't be sent"):
        request_head(target_of(URL), {name: "x"}, 2)


def test_an_error_about_a_value_does_not_show_it() -> None:
    with pytest.raises(ValueError, match="authorization") as refused:
        request_head(target_of(URL), {"authorization": "secret\n"}, 2)
    assert "secret" not in str(refused.value)


def test_a_value_beyond_ascii_is_sent_as_utf_8() -> None:
    assert b"\r\nx-title: caf\xc3\xa9\r\n" in request_head(target_of(URL), {"x-title": "caf\u00e9"}, 2)
