"""Sources of an answer as chat's annotations.

Formats: Gemini API docs, "Grounding with Google Search" (chunks, supports with segments in bytes), "CitationMetadata";
OpenAI API reference, "url_citation" (places in characters).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from services.router.wire.gemini.answer import Candidate, GroundingChunk, GroundingMetadata, Segment, Source

_Cited = tuple[Source, Segment, bool]
"""What is cited, for which stretch, and whether that is counted from the start of a part."""


def annotations_of(
    candidate: Candidate, earlier: Sequence[str], texts: Sequence[str], cited: set[tuple[Any, ...]]
) -> list[dict[str, Any]]:
    """The citations a candidate adds to those in `cited`, which grows.

    `texts` are the visible ones of its parts, `earlier` what the chunks before said: places count from the start of
    all. A source is cited without a place where none is told.
    """
    fresh = []
    for source, segment, in_part in _citations(candidate):
        key = (source.uri, segment.part_index, segment.start_index, segment.end_index)
        if source.uri and key not in cited:
            cited.add(key)
            fresh.append((source, segment, in_part))
    if not fresh:
        return []
    whole = "".join((*earlier, *texts))
    parts = () if any(earlier) else texts
    return [
        _annotation(source, *_place(segment, whole, parts if in_part else ())) for source, segment, in_part in fresh
    ]


def _annotation(source: Source, start: int, end: int) -> dict[str, Any]:
    place = {"start_index": start, "end_index": end, "url": source.uri, "title": source.title or ""}
    return {"type": "url_citation", "url_citation": place}


def _citations(candidate: Candidate) -> Iterator[_Cited]:
    if candidate.grounding_metadata is not None:
        yield from _grounded(candidate.grounding_metadata)
    recited = candidate.citation_metadata.citations if candidate.citation_metadata else None
    for citation in recited or ():
        segment = Segment(start_index=citation.start_index, end_index=citation.end_index)
        yield Source(citation.uri, citation.title), segment, False


def _grounded(grounding: GroundingMetadata) -> Iterator[_Cited]:
    sources = [_source(chunk) for chunk in grounding.grounding_chunks or ()]
    if not grounding.grounding_supports:
        yield from ((source, Segment(), False) for source in sources)
        return
    for support in grounding.grounding_supports:
        for number in support.grounding_chunk_indices or ():
            if number < len(sources):
                yield sources[number], support.segment or Segment(), True


def _source(chunk: GroundingChunk) -> Source:
    return chunk.web or chunk.maps or chunk.retrieved_context or Source()


def _place(segment: Segment, whole: str, texts: Sequence[str]) -> tuple[int, int]:
    """Start and end in characters of the whole text."""
    if segment.part_index >= len(texts):
        return _characters(whole, segment.start_index), _characters(whole, segment.end_index)
    offset = sum(map(len, texts[: segment.part_index]))
    text = texts[segment.part_index]
    return offset + _characters(text, segment.start_index), offset + _characters(text, segment.end_index)


def _characters(text: str, count: int) -> int:
    """How many characters the first bytes of a text are."""
    if text.isascii():
        return min(count, len(text))
    return len(text.encode("utf-8", "surrogatepass")[:count].decode("utf-8", "ignore"))
