import pytest

from services.runtime.conventions import bearer
from services.runtime.errors import CredentialsMissing


@pytest.mark.parametrize("value", ("Bearer pan-x", "bearer pan-x", "BEARER   pan-x  "))
def test_a_credential_is_read_from_the_bearer_scheme(value: str) -> None:
    assert bearer(value) == "pan-x"


@pytest.mark.parametrize("value", ("", "pan-x", "Bearer", "Bearer  ", "Basic cGFuLXg="))
def test_anything_else_is_no_credential(value: str) -> None:
    with pytest.raises(CredentialsMissing):
        bearer(value)
