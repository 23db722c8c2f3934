"""The parameters of a chat request as Gemini's `generationConfig`.

Formats: OpenAI API reference, "Chat"; OpenRouter, "Image generation" (`image_config`); Gemini API reference,
"GenerationConfig".
"""

from typing import Any

import msgspec

from services.router.chat import NULL, Body
from services.router.wire.gemini.generations import Generation
from services.router.wire.gemini.thinking import thinking_config
from services.router.wire.reading import Member, given
from services.runtime.errors import InvalidField, UnsupportedFeature

_SAME = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "seed": "seed",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "n": "candidateCount",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
"""Members whose values mean the same, by chat's name. Where both limits are given, the newer name counts."""

_JSON = "application/json"
_SOUND_FORMATS = ("pcm16", "pcm")
_FALSE = msgspec.Raw(b"false")


class _JsonSchema(msgspec.Struct):
    schema: msgspec.Raw = NULL


class _ResponseFormat(msgspec.Struct):
    type: str
    json_schema: _JsonSchema | None = None


class _Audio(msgspec.Struct):
    voice: str | None = None
    format: str | None = None


class _ImageConfig(msgspec.Struct):
    aspect_ratio: str | None = None
    image_size: str | None = None


_STOP: Member[str | list[str]] = Member("stop", str | list[str])
_FORMAT = Member("response_format", _ResponseFormat)
_MODALITIES = Member("modalities", list[str])
_AUDIO = Member("audio", _Audio)
_IMAGE = Member("image_config", _ImageConfig)


def generation_config(body: Body, generation: Generation) -> dict[str, Any]:
    """The members that are set.

    Raises:
        UnsupportedFeature: the request wants what Gemini can't give.
        InvalidField: a parameter is not what it should be.
    """
    config: dict[str, Any] = {}
    for name, own in _SAME.items():
        value = given(body, name)
        if value is not None:
            config[own] = value
    if config.get("responseLogprobs") == _FALSE:
        del config["responseLogprobs"]
    stop = _STOP.of(body)
    if stop:
        config["stopSequences"] = [stop] if isinstance(stop, str) else stop
    config.update(_answer_format(body))
    config.update(_modalities(body))
    thinking = thinking_config(body, generation)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    return config


def _answer_format(body: Body) -> dict[str, Any]:
    wanted = _FORMAT.of(body)
    if wanted is None or wanted.type == "text":
        return {}
    if wanted.type == "json_object":
        return {"responseMimeType": _JSON}
    if wanted.type != "json_schema":
        message = f"response_format: Gemini's format has no {wanted.type[:64]!r}"
        raise UnsupportedFeature(message, field="response_format.type", value=wanted.type[:64])
    if wanted.json_schema is None or wanted.json_schema.schema == NULL:
        raise InvalidField("response_format.json_schema.schema", "nothing", "a JSON Schema")
    return {"responseMimeType": _JSON, "responseJsonSchema": wanted.json_schema.schema}


def _modalities(body: Body) -> dict[str, Any]:
    config: dict[str, Any] = {}
    modalities = [modality.upper() for modality in _MODALITIES.of(body) or ()]
    if modalities and modalities != ["TEXT"]:
        # OpenAI's clients have to ask for a transcript beside the sound, which Gemini would refuse to give.
        config["responseModalities"] = ["AUDIO"] if "AUDIO" in modalities else modalities
    audio = _AUDIO.of(body)
    if audio is not None:
        if audio.format is not None and audio.format not in _SOUND_FORMATS:
            message = f"audio.format: Gemini speaks pcm16 only, not {audio.format[:64]!r}"
            raise UnsupportedFeature(message, field="audio.format", value=audio.format[:64])
        if audio.voice is not None:
            voice = {"prebuiltVoiceConfig": {"voiceName": audio.voice}}
            config["speechConfig"] = {"voiceConfig": voice}
    image = _IMAGE.of(body)
    if image is not None:
        shape = {"aspectRatio": image.aspect_ratio, "imageSize": image.image_size}
        config["imageConfig"] = {name: value for name, value in shape.items() if value is not None}
    return config
