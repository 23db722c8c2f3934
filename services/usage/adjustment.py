"""Corrections of estimated ledger rows by what turned out to be true. Pure.

A correction is a row of its own that holds the differences, so that the sums of its group come right. Its id is
derived from the corrected row and from what the correction is worth: the same correction has the same id and is booked
once.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, Inexact
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_ESTIMATED, LEDGER_STATE_SETTLED, ROW_KIND_ADJUSTMENT, LedgerState
from services.usage.entry import Entry, Figures

EXACT = Context(prec=400, traps=[Inexact])
"""For sums of money: refuses to round."""

_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_RANDOM = ((1 << 12) - 1) << 64 | (1 << 62) - 1


def derived_id(row: UUID, purpose: str) -> UUID:
    """A UUIDv7 of the row's millisecond, whose random bits are a hash (SHA-256) of the row's id and the purpose."""
    digest = int.from_bytes(sha256(row.bytes + purpose.encode()).digest()[:10], "big")
    return UUID(int=(row.int >> 80 << 80) | _VERSION_AND_VARIANT | (digest & _RANDOM))


def correction_ids(row: UUID) -> tuple[UUID, ...]:
    """The ids that corrections of this row by later events can have."""
    return tuple(_correction_id(row, state) for state in (LEDGER_STATE_ESTIMATED, LEDGER_STATE_SETTLED))


def folded(row: Entry, adjustments: Sequence[Entry]) -> Entry:
    """The row as its adjustments leave it; they come in the order they were made."""
    for adjustment in adjustments:
        pairs = zip(msgspec.structs.astuple(row.figures), msgspec.structs.astuple(adjustment.figures), strict=True)
        figures = Figures(*(_plus(present, difference) for present, difference in pairs))
        row = msgspec.structs.replace(row, ending=adjustment.ending, figures=figures)
    return row


def correction(present: Entry, truth: Entry) -> Entry | None:
    """The adjustment that turns `present` into `truth`; None where there is nothing to correct.

    What was settled stays. An estimate gives way to what is settled, and to another estimate if that one differs (this
    service's own are the poorest).
    """
    if present.ending.state != LEDGER_STATE_ESTIMATED:
        return None
    settles = truth.ending.state != LEDGER_STATE_ESTIMATED
    if not settles and (present.ending, present.figures) == (truth.ending, truth.figures):
        return None
    return Entry(
        id=_correction_id(present.id, LEDGER_STATE_SETTLED if settles else LEDGER_STATE_ESTIMATED),
        kind=ROW_KIND_ADJUSTMENT,
        adjusts_id=present.id,
        attempt=present.attempt,
        ending=truth.ending,
        figures=_difference(truth.figures, present.figures),
    )


def _difference(truth: Figures, present: Figures) -> Figures:
    pairs = zip(msgspec.structs.astuple(truth), msgspec.structs.astuple(present), strict=True)
    difference = Figures(*(_minus(true, was) for true, was in pairs))
    # A latency once measured stays in the histograms: it can't be taken back without its slot.
    return msgspec.structs.replace(
        difference,
        total_sample_us=truth.total_sample_us if present.total_sample_us is None else None,
        ttft_sample_us=truth.ttft_sample_us if present.ttft_sample_us is None else None,
    )


def _correction_id(row: UUID, state: LedgerState.ValueType) -> UUID:
    return derived_id(row, f"correction.{LedgerState.Name(state)}")


def _plus(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return EXACT.add(one, other) if isinstance(one, Decimal) else one + other


def _minus(one: Any, other: Any) -> Any:
    if other is None:
        return one
    return _plus(one, EXACT.minus(other) if isinstance(other, Decimal) else -other)
