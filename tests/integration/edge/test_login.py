import httpx2 as httpx
import pytest

from tests.integration.edge.running import Behind
from tests.integration.edge.services import KEY, LIFE_SECONDS, PASSWORD

LOGIN = "/api/auth/login"
REFRESH = "/api/auth/refresh"


async def test_a_login_gives_tokens_and_says_who_it_was(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.post(LOGIN, json={"email": "ada@example.org", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json() == {
        "access_token": "access-1",
        "token_type": "Bearer",
        "expires_in": LIFE_SECONDS,
        "refresh_token": "refresh-1",
        "user": {
            "id": "ada",
            "organisation_id": "organisation",
            "email": "ada@example.org",
            "display_name": "",
            "role": "organisation_admin",
        },
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_a_wrong_password_is_a_failed_login(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.post(LOGIN, json={"email": "ada@example.org", "password": "hunter2"})
    assert answer.status_code == 401
    assert answer.json() == {
        "error": {"code": "LOGIN_FAILED", "message": "Email and password do not match", "details": {}}
    }
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_refresh_token_gives_new_tokens_once(anyone: httpx.AsyncClient) -> None:
    login = (await anyone.post(LOGIN, json={"email": "ada@example.org", "password": PASSWORD})).json()
    first = await anyone.post(REFRESH, json={"refresh_token": login["refresh_token"]})
    assert first.json() == {
        "access_token": "access-2",
        "token_type": "Bearer",
        "expires_in": LIFE_SECONDS,
        "refresh_token": "refresh-2",
    }
    second = await anyone.post(REFRESH, json={"refresh_token": login["refresh_token"]})
    assert second.status_code == 401
    assert second.json()["error"]["code"] == "CREDENTIALS_INVALID"


async def test_credentials_sent_along_are_not_passed_on(ada: httpx.AsyncClient, behind: Behind) -> None:
    answer = await ada.post(LOGIN, json={"email": "ada@example.org", "password": PASSWORD})
    assert answer.status_code == 200
    assert "authorization" not in behind.auth.received.metadata[0]
    assert KEY not in str(behind.auth.received.metadata)


@pytest.mark.parametrize(
    ("body", "field"),
    (
        ({"email": "ada@example.org"}, "password"),
        ({"email": "ada@example.org", "password": 31337}, "password"),
        ({"email": "ada@example.org", "password": ["31337"]}, "password"),
        ({"email": None, "password": "31337"}, "email"),
        ({"email": "ada@example.org", "password": "31337", "pasword": "31337"}, "pasword"),
        ({"email": "ada@example.org", "password": "31337", "user_id": "31337"}, "user_id"),
    ),
)
async def test_a_refused_login_names_the_field_and_repeats_no_secret(
    anyone: httpx.AsyncClient, behind: Behind, body: dict[str, object], field: str
) -> None:
    answer = await anyone.post(LOGIN, json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["details"]["field"]) == ("INVALID_FIELD", field)
    assert "31337" not in answer.text
    assert not behind.auth.received.messages
