"""Sources of an answer as chat's annotations.

Formats: Gemini API docs, "Grounding with Google Search" (chunks, supports with segments in bytes), "CitationMetadata";
OpenAI API reference, "url_citation" (places in characters).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from services.router.wire.gemini.answer import Candidate, GroundingChunk, GroundingMetadata, Segment, Source

_Cited = tuple[Source, int, int]


def annotations_of(
    candidate: Candidate, before: str, texts: Sequence[str], cited: set[tuple[Any, ...]]
) -> list[dict[str, Any]]:
    """The citations a candidate adds to those in `cited`, which grows.

    `texts` are the visible ones of its parts, `before` is what earlier chunks of the stream said: places count from
    the start of all. A source is cited without a place where none is told.
    """
    found = []
    for source, start, end in _citations(candidate, before, texts):
        key = (source.uri, start, end)
        if not source.uri or key in cited:
            continue
        cited.add(key)
        place = {"start_index": start, "end_index": end, "url": source.uri, "title": source.title or ""}
        found.append({"type": "url_citation", "url_citation": place})
    return found


def _citations(candidate: Candidate, before: str, texts: Sequence[str]) -> Iterator[_Cited]:
    whole = before + "".join(texts)
    if candidate.grounding_metadata is not None:
        yield from _grounded(candidate.grounding_metadata, whole, () if before else texts)
    recited = candidate.citation_metadata.citations if candidate.citation_metadata else None
    for citation in recited or ():
        start, end = _characters(whole, citation.start_index), _characters(whole, citation.end_index)
        yield Source(citation.uri, citation.title), start, end


def _grounded(grounding: GroundingMetadata, whole: str, texts: Sequence[str]) -> Iterator[_Cited]:
    sources = [_source(chunk) for chunk in grounding.grounding_chunks or ()]
    if not grounding.grounding_supports:
        yield from ((source, 0, 0) for source in sources)
        return
    for support in grounding.grounding_supports:
        start, end = _place(support.segment or Segment(), whole, texts)
        for number in support.grounding_chunk_indices or ():
            if number < len(sources):
                yield sources[number], start, end


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
