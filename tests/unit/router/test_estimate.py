"""What a prompt is taken for until its provider has counted it."""

import base64
import time
from typing import Any

import msgspec
import pytest

from services.router.chat import Body, ChatRequest
from services.router.estimate import TOKENS_PER_MEDIUM, prompt_tokens

BYTES = bytes(range(256)) * 400
CODED = base64.b64encode(BYTES).decode()
URL = f"data:image/png;base64,{CODED}"
QUESTION = "What is this?"


def estimate(*parts: Any, encoded: bytes | None = None) -> int:
    content = [{"type": "text", "text": QUESTION}, *parts]
    text = encoded or msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": content}]})
    body = msgspec.json.decode(text, type=Body)
    return prompt_tokens(ChatRequest(model="m", body=body, size=len(text)))


def test_text_is_a_token_for_every_four_characters() -> None:
    text = "word " * 10_000
    assert estimate({"type": "text", "text": text}) == pytest.approx(len(text) / 4, rel=0.01)


@pytest.mark.parametrize(
    "part",
    (
        {"type": "image_url", "image_url": {"url": URL}},
        {"type": "input_audio", "input_audio": {"data": CODED, "format": "wav"}},
        {"type": "file", "file": {"file_data": URL, "filename": "a.pdf"}},
        {"type": "file", "file": {"file_data": CODED}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": CODED}},
        {"inline_data": {"mime_type": "image/png", "data": base64.urlsafe_b64encode(BYTES).decode()}},
    ),
)
def test_what_is_in_base64_counts_as_one_medium_whatever_its_size(part: Any) -> None:
    assert TOKENS_PER_MEDIUM < estimate(part) < TOKENS_PER_MEDIUM + 200


def test_each_of_several_media_counts() -> None:
    picture = {"type": "image_url", "image_url": {"url": URL}}
    assert 3 * TOKENS_PER_MEDIUM < estimate(picture, picture, picture) < 3 * TOKENS_PER_MEDIUM + 200


def test_slashes_may_be_escaped_and_spaces_may_stand_about() -> None:
    coded = (CODED + "/" * 8).replace("/", "\\/")
    text = b'{"messages": [{"input_audio": {"data" : "' + coded.encode() + b'"}}], "model": "m"}'
    assert TOKENS_PER_MEDIUM < estimate(encoded=text) < TOKENS_PER_MEDIUM + 200


def test_long_text_in_a_member_of_that_name_stays_text() -> None:
    text = "many words, and a full stop. " * 2_000
    assert estimate({"type": "other", "data": text}) == pytest.approx(len(text) / 4, rel=0.01)


def test_a_small_request_is_taken_as_it_is() -> None:
    assert prompt_tokens(ChatRequest(model="m", body={}, size=41)) == 11


def test_a_body_cut_off_in_mid_text_is_read_to_its_end() -> None:
    body: Body = {"messages": msgspec.Raw(b'[{"data":"' + CODED.encode())}
    assert prompt_tokens(ChatRequest(model="m", body=body, size=len(CODED) + 30)) < TOKENS_PER_MEDIUM + 20


def test_twenty_megabytes_take_no_time_worth_speaking_of() -> None:
    text = msgspec.json.encode({"messages": [{"image_url": {"url": "data:;base64," + CODED * 150}}] * 1, "model": "m"})
    request = ChatRequest(model="m", body=msgspec.json.decode(text, type=Body), size=len(text))
    took = []
    for _ in range(3):
        began = time.perf_counter()
        prompt_tokens(request)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1
