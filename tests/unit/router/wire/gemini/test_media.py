"""Parts that are no text."""

import pytest

from services.runtime.errors import InvalidField, UnsupportedFeature
from tests.unit.router.wire.gemini.samples import Json, user


def blob(media_type: str, data: str = "aGk=") -> Json:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def located(url: str, media_type: str | None = None) -> Json:
    return {"fileData": {"mimeType": media_type, "fileUri": url} if media_type else {"fileUri": url}}


FILES = "https://generativelanguage.googleapis.com/v1beta/files/abc"


@pytest.mark.parametrize(
    ("part", "expected"),
    (
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}, blob("image/png")),
        ({"type": "image_url", "image_url": "data:image/webp;base64,aGk="}, blob("image/webp")),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.PNG?b=1"}},
         located("https://x.example/a.PNG?b=1", "image/png")),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a"}}, located("https://x.example/a")),
        ({"type": "image_url", "image_url": {"url": "gs://bucket/a.jpg"}}, located("gs://bucket/a.jpg", "image/jpeg")),
        ({"type": "video_url", "video_url": {"url": "https://youtu.be/x"}}, located("https://youtu.be/x")),
        ({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}, blob("audio/wav")),
        ({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "m4a"}}, blob("audio/mp4")),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}}, blob("application/pdf")),
        ({"type": "file", "file": {"file_data": "data:text/plain,hi"}}, blob("text/plain")),
        ({"type": "file", "file": {"file_data": "aGk="}}, blob("application/pdf")),
        ({"type": "file", "file": {"file_data": "aGk=", "filename": "a.csv"}}, blob("text/csv")),
        ({"type": "file", "file": {"file_data": "https://x.example/a", "filename": "a.pdf"}},
         located("https://x.example/a", "application/pdf")),
        ({"type": "file", "file": {"file_id": FILES}}, located(FILES)),
        ({"type": "refusal", "refusal": "No."}, {"text": "No."}),
    ),
)  # fmt: skip
def test_each_part_has_its_form(part: Json, expected: Json) -> None:
    assert user(part) == [expected]


@pytest.mark.parametrize(
    ("part", "field"),
    (
        ({"type": "file", "file": {"file_id": "file-abc"}}, "messages[0].content[0].file.file_id"),
        ({"type": "hologram"}, "messages[0].content[0].type"),
    ),
)
def test_what_gemini_has_no_form_for_is_refused(part: Json, field: str) -> None:
    with pytest.raises(UnsupportedFeature) as raised:
        user(part)
    assert raised.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("part", "field"),
    (
        ({"type": "text"}, "messages[0].content[0].text"),
        ({"type": "image_url"}, "messages[0].content[0].image_url.url"),
        ({"type": "image_url", "image_url": {"url": "ftp://x"}}, "messages[0].content[0].image_url.url"),
        ({"type": "image_url", "image_url": {"url": "https://["}}, "messages[0].content[0].image_url.url"),
        ({"type": "image_url", "image_url": {"url": "data:nothing"}}, "messages[0].content[0].image_url.url"),
        ({"type": "input_audio"}, "messages[0].content[0].input_audio"),
        ({"type": "file"}, "messages[0].content[0].file"),
        ({"type": "file", "file": {"file_data": "~~"}}, "messages[0].content[0].file.file_data"),
    ),
)
def test_a_part_without_what_its_type_promises_is_named(part: Json, field: str) -> None:
    with pytest.raises(InvalidField) as raised:
        user(part)
    assert raised.value.metadata["field"] == field
