from urllib.parse import unquote_to_bytes

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.grpc_asgi.framing import ProtocolFault, escaped, headers_of, metadata_of

KEYS = st.text("abcxyz0189_.-", min_size=1, max_size=8).filter(lambda key: not key.startswith("grpc-"))
TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30).map(lambda text: text.strip(" "))


def binary(value: bytes) -> tuple[tuple[str, str | bytes], ...]:
    return metadata_of([(b"trace-bin", value)])


@given(
    st.lists(
        st.tuples(KEYS.filter(lambda key: not key.endswith("-bin") and key not in ("te", "host")), TEXTS)
        | st.tuples(KEYS.map("{}-bin".format), st.binary(max_size=30))
    )
)
def test_metadata_comes_back_as_it_was_sent(metadata: list[tuple[str, str | bytes]]) -> None:
    assert metadata_of(headers_of(metadata)) == tuple(metadata)


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)) | st.tuples(st.just(b"a-bin"), st.binary())))
def test_metadata_is_read_or_refused_whatever_it_is(headers: list[tuple[bytes, bytes]]) -> None:
    code = grpc.StatusCode.INTERNAL
    try:
        assert all(isinstance(key, str) for key, _ in metadata_of(headers))
    except ProtocolFault as fault:
        code = fault.code
    assert code is grpc.StatusCode.INTERNAL


def test_what_the_protocol_says_itself_is_no_metadata() -> None:
    said = [
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
        (b"host", b"here"),
        (b"content-length", b"5"),
        (b"grpc-timeout", b"1S"),
        (b"grpc-encoding", b"gzip"),
        (b"x-request-id", b"r-1"),
    ]
    assert metadata_of(said) == (("x-request-id", "r-1"),)


def test_one_key_may_have_several_values() -> None:
    assert metadata_of([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == (("a", "1"), ("b", "2"), ("a", "3"))


@pytest.mark.parametrize(
    ("value", "content"),
    (
        (b"", b""),
        (b"YQ", b"a"),
        (b"YQ==", b"a"),
        (b"YWI", b"ab"),
        (b"YWI=", b"ab"),
        (b"YWJj", b"abc"),
        (b"+/8", b"\xfb\xff"),
    ),
)
def test_binary_metadata_may_be_padded_or_not(value: bytes, content: bytes) -> None:
    assert binary(value) == (("trace-bin", content),)


def test_values_joined_by_commas_are_several_if_binary_and_one_if_not() -> None:
    assert binary(b"YQ==,YWI, YWJj") == (("trace-bin", b"a"), ("trace-bin", b"ab"), ("trace-bin", b"abc"))
    assert metadata_of([(b"plain", b"a,b")]) == (("plain", "a,b"),)


@pytest.mark.parametrize("value", (b"Y", b"Y===", b"Y Q=", b"*", b"YQ==YQ==", b"_-8", b"\xff\xff", b"YQ,*"))
def test_binary_metadata_that_is_no_base64_is_refused_by_its_name(value: bytes) -> None:
    with pytest.raises(ProtocolFault, match="'trace-bin'") as fault:
        binary(value)
    assert fault.value.code is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("key", ("", "Upper", "with space", "colon:", ":path", "ümlaut", "line\nbreak", "nul\0", "a\n"))
def test_a_key_that_no_header_can_have_is_a_mistake(key: str) -> None:
    with pytest.raises(ValueError, match="metadata key"):
        headers_of([(key, "x")])


@pytest.mark.parametrize(
    ("key", "value"),
    (("a", "hunter2\r\nb: c"), ("a", "hunter2\0"), ("a", "hunter2 ü"), ("a", " hunter2"), ("a", "hunter2 "),
     ("a", "hunter2\n"), ("a", b"hunter2"), ("a-bin", "hunter2")),
)  # fmt: skip
def test_a_value_that_no_header_can_have_is_a_mistake_and_is_not_told(key: str, value: str | bytes) -> None:
    with pytest.raises(ValueError, match=f"the value of '{key}'") as mistake:
        headers_of([(key, value)])
    assert "hunter2" not in str(mistake.value)


@pytest.mark.parametrize(
    ("message", "written"),
    (
        ("", b""),
        ("plain text: a/b?c=d&e~", b"plain text: a/b?c=d&e~"),
        ("100%", b"100%25"),
        ("%41", b"%2541"),
        ("Grüße 🦊", b"Gr%C3%BC%C3%9Fe %F0%9F%A6%8A"),
        ("a\r\nb\tc\0d\x7f", b"a%0D%0Ab%09c%00d%7F"),
        ("\ud800 and \udfff", b"%3F and %3F"),
        ("  both ends ", b"%20%20both ends%20"),
        ("   ", b"%20%20%20"),
    ),
)
def test_a_status_message_is_percent_encoded(message: str, written: bytes) -> None:
    assert escaped(message) == written.replace(b"%3F", b"?")


@given(st.text(st.characters(codec="utf-8")))
def test_a_status_message_comes_back_as_it_was(message: str) -> None:
    assert unquote_to_bytes(escaped(message)).decode() == message


@given(st.text())
def test_a_status_message_is_always_a_header_value(message: str) -> None:
    written = escaped(message)
    assert all(0x20 <= byte <= 0x7E for byte in written)
    assert written == written.strip()
