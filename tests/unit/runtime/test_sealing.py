import pytest

from services.runtime.sealing import HEAD_BYTES, SealBrokenError, Sealer

MASTER = bytes(range(32))


def test_what_was_sealed_is_opened_under_its_label() -> None:
    sealer = Sealer([MASTER], "test")
    assert sealer.open(sealer.seal(b"secret", "one"), "one") == b"secret"


def test_the_same_is_never_sealed_alike() -> None:
    sealer = Sealer([MASTER], "test")
    assert sealer.seal(b"secret", "one") != sealer.seal(b"secret", "one")


def test_the_secret_cannot_be_seen() -> None:
    assert b"secret" not in Sealer([MASTER], "test").seal(b"secret", "one")


@pytest.mark.parametrize(
    ("sealer", "label"),
    ((Sealer([bytes(32)], "test"), "one"), (Sealer([MASTER], "other"), "one"), (Sealer([MASTER], "test"), "two")),
)
def test_another_key_purpose_or_label_opens_nothing(sealer: Sealer, label: str) -> None:
    sealed = Sealer([MASTER], "test").seal(b"secret", "one")
    with pytest.raises(SealBrokenError):
        sealer.open(sealed, label)


@pytest.mark.parametrize("position", (0, 1, 12, 40, 80, -1))
def test_a_changed_byte_is_noticed(position: int) -> None:
    sealer = Sealer([MASTER], "test")
    sealed = bytearray(sealer.seal(b"secret", "one"))
    sealed[position] ^= 1
    with pytest.raises(SealBrokenError):
        sealer.open(bytes(sealed), "one")


@pytest.mark.parametrize("sealed", (b"", b"short", bytes(12), bytes(100)))
def test_what_was_never_sealed_is_not_opened(sealed: bytes) -> None:
    with pytest.raises(SealBrokenError):
        Sealer([MASTER], "test").open(sealed, "one")


def test_what_an_earlier_master_key_sealed_is_opened_and_sealed_anew() -> None:
    earlier, present = Sealer([bytes(32)], "test"), Sealer([MASTER, bytes(32)], "test")
    sealed = earlier.seal(b"secret", "one")

    again = present.resealed(sealed, "one")

    assert present.open(sealed, "one") == b"secret"
    assert again is not None
    assert Sealer([MASTER], "test").open(again, "one") == b"secret"
    assert present.resealed(again, "one") is None


def test_the_earlier_master_key_alone_no_longer_opens_what_was_sealed_anew() -> None:
    earlier = Sealer([bytes(32)], "test")
    again = Sealer([MASTER, bytes(32)], "test").resealed(earlier.seal(b"secret", "one"), "one")
    assert again is not None
    with pytest.raises(SealBrokenError):
        earlier.open(again, "one")


def test_the_head_of_an_envelope_tells_whether_there_is_a_master_key_for_it() -> None:
    sealed = Sealer([MASTER], "test").seal(b"secret", "one")
    assert Sealer([bytes(32), MASTER], "test").knows(sealed[:HEAD_BYTES])
    for stranger in (Sealer([bytes(32)], "test"), Sealer([MASTER], "other")):
        assert not stranger.knows(sealed[:HEAD_BYTES])
    assert not Sealer([MASTER], "test").knows(b"")
