"""No planted secret survives; words that only look like one stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.context.redact import MARK, hide, redact

PRIVATE = "PRIVATE KEY"  # in two parts, so that this file holds none
ALNUM = st.text(
    "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz0123456789", min_size=36, max_size=36
)
AROUND = st.text(st.characters(codec="utf-8"), max_size=80)


@given(AROUND, AROUND, ALNUM)
def test_a_token_of_a_known_service_never_survives(before: str, after: str, body: str) -> None:
    token = f"ghp_{body}"
    text, _ = redact(f"{before}\n {token} \n{after}")
    assert token not in text


@given(
    st.sampled_from(["password", "DB_PASSWORD", "api_key", "client-secret", "auth_token"]), ALNUM
)
def test_a_value_that_is_called_a_secret_never_survives(name: str, value: str) -> None:
    for text in (f'{name} = "{value}"', f"{{'{name}': '{value}'}}", f'{name}: str = "{value}"'):
        said, found = redact(text)
        assert value not in said
        assert found == 1
        assert name in said


def test_a_private_key_goes_even_if_its_end_is_not_shown() -> None:
    key = f"-----BEGIN RSA {PRIVATE}-----\nMIIEow\nabcdef\n"
    assert redact(f"x = 1\n{key}") == (f"x = 1\n{MARK}", 1)
    assert redact(f"{key}-----END RSA {PRIVATE}-----\ny = 2\n") == (f"{MARK}\ny = 2\n", 1)


@pytest.mark.parametrize(
    "text",
    [
        'password = "your-password"',
        "token = '${GITHUB_TOKEN}'",
        'secret = "<from the vault>"',
        'api_key = os.environ["API_KEY"]',
        'raise ValueError("the password is too short")',
        'TOKEN_NAME = "ACCESS_TOKEN"',
        "def tokenize(text): ...",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redact(text) == (text, 0)


def test_what_was_hidden_is_put_back_wherever_its_mark_is() -> None:
    one, two = "ghp_" + "a1B2" * 9, "ghp_" + "Z9y8" * 9
    hidden = hide(f'a = "{one}"\nb = "{two}"\n')
    assert hidden.text == 'a = "REDACTED_1"\nb = "REDACTED_2"\n'
    assert hidden.put_back("REDACTED_2, REDACTED_1, REDACTED_3, REDACTED_12") == (
        f"{two}, {one}, REDACTED_3, REDACTED_12"
    )


def test_a_mark_that_stands_in_the_text_already_is_not_taken() -> None:
    secret = "ghp_" + "a1B2" * 9
    text = f'"REDACTED_1", "{secret}"'
    assert hide(text).text == '"REDACTED_1", "REDACTEDX_1"'
    assert hide(text).put_back(hide(text).text) == text
