import pytest

from services.auth.sealing import SealBrokenError, Sealer

MASTER = bytes(range(32))


def test_what_was_sealed_is_opened_under_its_label() -> None:
    sealer = Sealer(MASTER, "test")
    assert sealer.open(sealer.seal(b"secret", "one"), "one") == b"secret"


def test_the_same_is_never_sealed_alike() -> None:
    sealer = Sealer(MASTER, "test")
    assert sealer.seal(b"secret", "one") != sealer.seal(b"secret", "one")


def test_the_secret_cannot_be_seen() -> None:
    assert b"secret" not in Sealer(MASTER, "test").seal(b"secret", "one")


@pytest.mark.parametrize(
    ("sealer", "label"),
    ((Sealer(bytes(32), "test"), "one"), (Sealer(MASTER, "other"), "one"), (Sealer(MASTER, "test"), "two")),
)
def test_another_key_purpose_or_label_opens_nothing(sealer: Sealer, label: str) -> None:
    sealed = Sealer(MASTER, "test").seal(b"secret", "one")
    with pytest.raises(SealBrokenError):
        sealer.open(sealed, label)


@pytest.mark.parametrize("position", (0, 12, -1))
def test_a_changed_byte_is_noticed(position: int) -> None:
    sealer = Sealer(MASTER, "test")
    sealed = bytearray(sealer.seal(b"secret", "one"))
    sealed[position] ^= 1
    with pytest.raises(SealBrokenError):
        sealer.open(bytes(sealed), "one")


@pytest.mark.parametrize("sealed", (b"", b"short", bytes(12)))
def test_what_was_never_sealed_is_not_opened(sealed: bytes) -> None:
    with pytest.raises(SealBrokenError):
        Sealer(MASTER, "test").open(sealed, "one")
