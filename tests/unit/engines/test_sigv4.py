"""Signatures as AWS publishes them: its test suite for Signature Version 4, and IAM's example.

Source: AWS Signature Version 4 test suite; AWS General Reference, "Signature Version 4".
"""

import pytest

from hansa.engines.sigv4 import Credentials, Pairs, Signer

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = Credentials("AKIDEXAMPLE", SECRET)
SUITE = Signer(KEY, "us-east-1", "service")
NOW_MS = 1_440_938_160_000
"""2015-08-30 12:36:00 UTC."""

HOST = ("Host", "example.amazonaws.com")


def signature(
    signer: Signer, method: str, path: str, headers: Pairs = (HOST,), query: Pairs = ()
) -> str:
    said = dict(signer.headers(method, path, headers, b"", NOW_MS, query=query))
    assert said["x-amz-date"] == "20150830T123600Z"
    return said["authorization"].rpartition("Signature=")[2]


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        # get-vanilla
        ("GET", "/", (), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        # post-vanilla
        ("POST", "/", (), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        # get-vanilla-query-order-key-case
        (
            "GET",
            "/",
            (("Param2", "value2"), ("Param1", "value1")),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        # get-utf8
        ("GET", "/ሴ", (), "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    ],
)
def test_the_test_suite(method: str, path: str, query: Pairs, expected: str) -> None:
    assert signature(SUITE, method, path, query=query) == expected


def test_the_example_that_lists_users() -> None:
    signer = Signer(KEY, "us-east-1", "iam")
    said = signer.headers(
        "GET",
        "/",
        [
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
        ],
        b"",
        NOW_MS,
        query=[("Action", "ListUsers"), ("Version", "2010-05-08")],
    )
    assert dict(said)["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_a_session_token_is_sent_and_signed() -> None:
    lent = Signer(Credentials(KEY.access_key_id, SECRET, "token"), "us-east-1", "service")
    said = dict(lent.headers("POST", "/", [HOST], b"", NOW_MS))
    assert said["x-amz-security-token"] == "token"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in said["authorization"]


def test_the_body_counts() -> None:
    one, two = (SUITE.headers("POST", "/", [HOST], body, NOW_MS) for body in (b"{}", b"[]"))
    assert one != two


def test_what_is_encoded_already_is_encoded_again() -> None:
    assert signature(SUITE, "POST", "/v1%3A0") != signature(SUITE, "POST", "/v1:0")


def test_secrets_are_not_printed() -> None:
    assert SECRET not in repr(SUITE)
