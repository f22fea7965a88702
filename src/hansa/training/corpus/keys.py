"""Private keys, tokens of services and passwords in text.

Tokens are told by the forms their services publish: Hansa's own list, and the plugins of
detect-secrets that are quick (the other three take five times as long as all of these). Passwords
are told by the name they are given to and by looking like nothing else.
"""

import math
import re
from collections import Counter
from itertools import pairwise
from typing import cast

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from hansa.index.credentials import TOKENS
from hansa.training.corpus.lines import Page
from hansa.training.corpus.placeholders import Placeholders

_PLUGINS = (
    (AWSKeyDetector, ("a3t", "abia", "acca", "akia", "asia", "aws")),
    (AzureStorageKeyDetector, ("accountkey=",)),
    (DiscordBotTokenDetector, ()),
    (GitHubTokenDetector, ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    (GitLabTokenDetector, ("gl", "gr1348941")),
    (MailchimpDetector, ("-us",)),
    (NpmDetector, ("_authtoken",)),
    (PypiTokenDetector, ("pypi-age",)),
    (SlackDetector, ("xox", "hooks.slack")),
    (SquareOAuthDetector, ("sq0csp",)),
    (StripeDetector, ("k_live_",)),
    (TelegramBotTokenDetector, (":aa",)),
    (TwilioKeyDetector, ()),
)
"""Plugins, and words of which one is in what they find; those with none are quick without."""

_OURS = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    + "|".join(form.decode() for form in TOKENS.values())
    + r"|hansa-[\w-]{43}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|AGE-SECRET-KEY-1[A-Z0-9]{58}"
    r"|dop_v1_[a-f0-9]{64}|sk-(?:[a-z]+-)?[A-Za-z0-9_-]{32,}|ya29\.[\w-]{30,})"
)
_OUR_WORDS = (
    *(begin.decode().lower() for begin in TOKENS), "hansa-", "eyj", "age-secret-key-", "dop_v1_",
    "sk-", "ya29.",
)  # fmt: skip
_DENYLISTS = cast("list[tuple[re.Pattern[str], ...]]", [each().denylist for each, _ in _PLUGINS])  # pyright: ignore[reportUnknownMemberType]  its types leave it open
_THEIRS = [
    (form, words) for forms, (_, words) in zip(_DENYLISTS, _PLUGINS, strict=True) for form in forms
]

_BEGIN_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_CHARS_MAX = 20_000
_KEY_RUN = re.compile(r"(?P<escape>\\[nrt])|(?P<run>[A-Za-z0-9+/=]{4,})")
_KEY_LINE = re.compile(r"(?P<escape>\\[nrt])|(?P<run>[A-Za-z0-9+/=]{60,})")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/]{40}")

_URL_PASSWORD = re.compile(r"(://[^\s:/@\"'<>{}]{0,64}:)([^\s:/@\"'<>{}]{6,128})(?=@[\w.\[-])")
_AUTHORIZATION = re.compile(
    r"(\b(?:Bearer|Basic|Token|ApiKey)[ ]+)([A-Za-z0-9+/_.~-]{16,}={0,2})", re.IGNORECASE
)
_SCHEMES = ("bearer ", "basic ", "token ", "apikey ")
_CALLED = (
    r"(?:passw(?:or)?d|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key"
    r"|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|credential)"
)
_CALLED_WORDS = (
    "passw", "passphrase", "pwd", "secret", "token", "apikey", "api_key", "api-key", "accesskey",
    "access_key", "access-key", "authkey", "auth_key", "auth-key", "privatekey", "private_key",
    "private-key", "accountkey", "account_key", "account-key", "encryptionkey", "encryption_key",
    "encryption-key", "signingkey", "signing_key", "signing-key", "credential",
)  # fmt: skip
_QUOTED = re.compile(
    rf"(?P<name>{_CALLED}[\w-]*(?:[\"']?\]?\s{{0,4}}(?::\s*[\w\[\]. |]{{1,40}})?\s{{0,4}}"
    r"(?:=>|:=|[!=]?==?|:)\s{0,20}|[\"']\s{0,4},\s{0,20})[bruf(]{0,3})"
    r"(?P<quote>[\"'`])(?P<value>[^\"'`\s]{8,512})(?P=quote)",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"passw|passphrase|pwd", re.IGNORECASE)
_PAIR = re.compile(
    r"(\bauth\s?=\s?\(\s?[\"'][^\"'\n]{1,64}[\"'],\s?[\"'])([^\"'\s]{8,128})(?=[\"'])"
)
_BARE = re.compile(
    rf"(?P<name>{_CALLED}[\w-]*\s?[=:]\s?)(?P<value>[A-Za-z0-9+/_!@#$%^&*~-]{{12,512}}={{0,2}})"
    r"(?![\w(.\[])",
    re.IGNORECASE,
)
_STANDS_FOR = re.compile(
    r"example|placeholder|change-?_?me|your|dummy|redacted|sample|insert|fake|not-?_?a-?_?real"
    r"|x{4,}|\*{3,}|\.{3}|<.*>|\$\{?\w|\{\w*\}|%\(?\w*\)?s|://|0{8,}|12345678|abcdef|deadbeef",
    re.IGNORECASE,
)
_PATH = re.compile(r"[~.]{0,2}/[\w.-]*/|[\w.-]+\?[\w.-]+=")
_TERMS = re.compile(
    r"sha-?\d{1,3}|md5|utf-?\d{1,2}|base-?\d\d|oauth-?[12]|[rhep]s\d{3}|x509|i18n|pbkdf2|ed25519"
    r"|aes-?\d{3}|rsa-?\d{4}|http2?|ipv[46]|s3|ec2|k8s|v\d+(?:\.\d+)*|p256|argon2\w{0,2}|word2vec"
    r"|ml-?kem-?\d+|x25519|p384|bip\d+|rfc\d+|iso\d+",
    re.IGNORECASE,
)
"""Words of the trade that have digits."""


def replace_keys(page: Page, stands: Placeholders) -> None:
    """Replace private keys, tokens and passwords; quotes and lines stay."""
    if "PRIVATE KEY" in page.text:
        page.replace(_without_key_blocks(page.text, stands))
    page.change(_OUR_WORDS, lambda line: _OURS.sub(lambda found: _token(found, stands), line))
    for form, words in _THEIRS:
        if page.has(words):
            page.replace(form.sub(lambda found: _token(found, stands), page.text))
    page.change(
        ("://",), lambda line: _URL_PASSWORD.sub(lambda found: _password(found, stands, 6), line)
    )
    page.change(
        ("auth=", "auth ="), lambda line: _PAIR.sub(lambda found: _password(found, stands, 8), line)
    )
    page.change(
        _SCHEMES, lambda line: _AUTHORIZATION.sub(lambda found: _password(found, stands, 16), line)
    )
    page.change(_CALLED_WORDS, lambda line: _passwords(line, stands), lines_after=1)


def looks_secret(value: str, chars_min: int = 8) -> bool:
    """Whether a value looks drawn by chance or typed as a password, not like words or code."""
    if len(value) < chars_min or _STANDS_FOR.search(value) or _PATH.match(value):
        return False
    parts = [each for each in re.split(r"[^A-Za-z0-9]+", _TERMS.sub("-", value)) if each]
    mixed = [each for each in parts if not each.isalpha() and not each.isdigit()]
    signs = any(each in "!@#$%^&*?+~" for each in value)
    if mixed or (signs and any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
        return len(set(value)) >= 5
    longest = max(parts, key=len, default="")
    return len(longest) >= 20 and _switches(longest) >= 0.4


def _without_key_blocks(text: str, stands: Placeholders) -> str:
    done, parts = 0, list[str]()
    for begin in _BEGIN_KEY.finditer(text):
        if begin.end() < done:
            continue
        end = text.find("-----END", begin.end(), begin.end() + _KEY_CHARS_MAX)
        run = _KEY_LINE if end < 0 else _KEY_RUN
        end = end if end >= 0 else begin.end() + _KEY_CHARS_MAX
        body = text[begin.end() : end]
        if (_KEY_BODY if run is _KEY_RUN else _KEY_LINE).search(body):
            parts += [text[done : begin.end()], _redacted(body, run, stands)]
            done = begin.end() + len(body)
    return "".join([*parts, text[done:]])


def _redacted(body: str, run: re.Pattern[str], stands: Placeholders) -> str:
    mark = stands.stand_in("key", body)
    return run.sub(lambda found: found["escape"] or mark, body)


def _token(found: re.Match[str], stands: Placeholders) -> str:
    whole, before = found[0], found.string[max(0, found.start() - 1) : found.start()]
    after = found.string[found.end() : found.end() + 1]
    if any(each.isalnum() or each in {"_", "-"} for each in (before, after) if each):
        return whole
    if "EXAMPLE" in whole or len(set(whole)) < 8:
        return whole
    secret = found[1] if found.re.groups == 1 and found[1] and len(found[1]) >= 20 else whole
    return whole.replace(secret, stands.stand_in("token", secret))


def _passwords(lines: str, stands: Placeholders) -> str:
    lines = _QUOTED.sub(lambda found: _assigned(found, stands), lines)
    return _BARE.sub(lambda found: _bare(found, stands), lines)


def _password(found: re.Match[str], stands: Placeholders, chars_min: int) -> str:
    if not looks_secret(found[2], chars_min):
        return found[0]
    return found[1] + stands.stand_in("password", found[2])


def _assigned(found: re.Match[str], stands: Placeholders) -> str:
    value, password = found["value"], _PASSWORD.search(found["name"])
    if not (looks_secret(value) or (password and _typed(value))):
        return found[0]
    mark = stands.stand_in("password", found["value"])
    return f"{found['name']}{found['quote']}{mark}{found['quote']}"


def _typed(value: str) -> bool:
    """Whether what is called a password is one of words and digits."""
    digits, letters = sum(map(str.isdigit, value)), sum(map(str.isalpha, value))
    harmless = _STANDS_FOR.search(value) or _PATH.match(value) or _TERMS.search(value)
    return digits >= 2 and letters >= 4 and not harmless


def _bare(found: re.Match[str], stands: Placeholders) -> str:
    """Without quotes it may be code, so it has to be long and to mix."""
    value = found["value"]
    mixes = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    if not mixes or (value.isidentifier() and "_" in value) or not looks_secret(value, 12):
        return found[0]
    if _bits(value) < 3.0:
        return found[0]
    return found["name"] + stands.stand_in("password", value)


def _switches(letters: str) -> float:
    """How often the case changes, of all steps: 0.5 by chance, a third in CamelCase at most."""
    steps = pairwise(letters)
    return sum(one.isupper() != other.isupper() for one, other in steps) / len(letters)


def _bits(value: str) -> float:
    """Shannon's entropy of its characters, in bits each."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values())
