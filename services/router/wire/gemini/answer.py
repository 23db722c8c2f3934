"""What Gemini answers, as far as it is read: one response, and one chunk of a stream alike.

Format: Gemini API reference, "Generating content" (GenerateContentResponse, Candidate, Part, GroundingMetadata,
LogprobsResult); Vertex AI's reference of the same names. Servers asked for `enum-encoding=int` give numbers for names.
"""

from typing import Annotated

import msgspec

from services.router.wire.lenient import LenientDecoder

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
NOTHING = msgspec.Raw()


class _Object(msgspec.Struct, rename="camel"):
    """Members are in camelCase."""


class FunctionCall(_Object):
    """A call the model makes. `will_continue` and `partial_args` come where arguments were asked for in pieces."""

    id: str | None = None
    name: str | None = None
    args: msgspec.Raw = NOTHING
    partial_args: msgspec.Raw = NOTHING
    will_continue: bool | None = None


class Blob(_Object):
    """Bytes in base64."""

    mime_type: str = ""
    data: str = ""


class Part(_Object):
    """One of text, call, blob or an act of Google's own tools; `thought` marks the summary of a thought."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    inline_data: Blob | None = None
    file_data: msgspec.Raw = NOTHING
    executable_code: msgspec.Raw = NOTHING
    code_execution_result: msgspec.Raw = NOTHING
    tool_call: msgspec.Raw = NOTHING
    tool_response: msgspec.Raw = NOTHING


class Content(_Object):
    """A turn."""

    parts: list[Part] | None = None


class Source(_Object):
    """A page, place or document that was read."""

    uri: str | None = None
    title: str | None = None


class GroundingChunk(_Object):
    """One source, under the name of its kind."""

    web: Source | None = None
    maps: Source | None = None
    retrieved_context: Source | None = None


class Segment(_Object):
    """A stretch of text, in bytes of UTF-8 from the start of the part (of the whole text, in a stream)."""

    part_index: Count = 0
    start_index: Count = 0
    end_index: Count = 0


class GroundingSupport(_Object):
    """Which sources, by index, a stretch of the answer rests on."""

    segment: Segment | None = None
    grounding_chunk_indices: list[Count] | None = None


class GroundingMetadata(_Object):
    """What the answer rests on."""

    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[GroundingSupport] | None = None


class Citation(_Object):
    """A stretch of the answer that stands in a source, in bytes of UTF-8."""

    start_index: Count = 0
    end_index: Count = 0
    uri: str | None = None
    title: str | None = None


class CitationMetadata(_Object):
    """Sources the answer recites."""

    citations: list[Citation] | None = None


class TokenChance(_Object):
    """A token and the natural logarithm of its probability."""

    token: str = ""
    log_probability: float = 0.0


class TopCandidates(_Object):
    """The likeliest tokens of one step."""

    candidates: list[TokenChance] | None = None


class LogprobsResult(_Object):
    """The tokens chosen, and for each step the likeliest ones."""

    chosen_candidates: list[TokenChance] | None = None
    top_candidates: list[TopCandidates] | None = None


class Candidate(_Object):
    """One of the answers asked for."""

    index: Count = 0
    content: Content | None = None
    finish_reason: str | int | None = None
    grounding_metadata: GroundingMetadata | None = None
    citation_metadata: CitationMetadata | None = None
    logprobs_result: LogprobsResult | None = None


class ModalityCount(_Object):
    """Tokens of one kind."""

    modality: str | int = ""
    token_count: Count | None = None


class UsageMetadata(_Object):
    """Tokens. Thoughts are not in the candidates' count, nor is what Google's tools read in the prompt's."""

    prompt_token_count: Count | None = None
    tool_use_prompt_token_count: Count | None = None
    candidates_token_count: Count | None = None
    thoughts_token_count: Count | None = None
    cached_content_token_count: Count | None = None
    total_token_count: Count | None = None
    prompt_tokens_details: list[ModalityCount] | None = None
    candidates_tokens_details: list[ModalityCount] | None = None
    cache_tokens_details: list[ModalityCount] | None = None
    tool_use_prompt_tokens_details: list[ModalityCount] | None = None


class PromptFeedback(_Object):
    """Why a prompt was not answered."""

    block_reason: str | int | None = None


class Response(_Object):
    """A whole answer, or a chunk of a streamed one."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: msgspec.Raw = NOTHING

    @property
    def has_error(self) -> bool:
        """Whether there is an `error` that is not null."""
        return bool(self.error) and self.error != b"null"


decode = LenientDecoder(Response).decode
"""An answer or a chunk. Raises ProviderBroken where it is not a JSON object."""
