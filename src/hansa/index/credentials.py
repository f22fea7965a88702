"""Files that hold secrets: by their names, and by keys and tokens whose form gives them away.

A search for what such tokens begin with, and a pattern only where it is found: half a million
lines take a third of a second. detect-secrets 1.5, line by line, takes one to two minutes.
"""

import re
from fnmatch import fnmatchcase

_NAMES = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "id_rsa*",
    "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", ".pgpass", ".npmrc", ".pypirc",
    "credentials", "credentials.json", "secrets.*", "*.kdbx", ".git-credentials", ".htpasswd",
    "*.tfstate",
)  # fmt: skip
_HARMLESS = (".env.example", ".env.sample", ".env.template")

PRIVATE_KEY_BLOCK = r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
"""The whole of a private key; it may go on to the end of what is shown."""

_PRIVATE_KEY = re.compile(rb"^[ \t]*-----BEGIN [A-Z ]*PRIVATE KEY-----[ \t]*\r?\n", re.MULTILINE)

TOKENS = {
    b"AKIA": rb"AKIA[A-Z2-7]{16}(?<!EXAMPLE)",
    b"ASIA": rb"ASIA[A-Z2-7]{16}(?<!EXAMPLE)",
    b"ghp_": rb"ghp_[A-Za-z0-9]{36}",
    b"gho_": rb"gho_[A-Za-z0-9]{36}",
    b"ghs_": rb"ghs_[A-Za-z0-9]{36}",
    b"ghu_": rb"ghu_[A-Za-z0-9]{36}",
    b"github_pat_": rb"github_pat_\w{82}",
    b"glpat-": rb"glpat-[\w-]{20,}",
    b"xox": rb"xox[abprs]-\d{6,}-[\w-]{16,}",
    b"sk_live_": rb"sk_live_[A-Za-z0-9]{24,}",
    b"rk_live_": rb"rk_live_[A-Za-z0-9]{24,}",
    b"sk-ant-": rb"sk-ant-[a-z]+\d+-[\w-]{80,}",
    b"sk-proj-": rb"sk-proj-[\w-]{40,}",
    b"T3BlbkFJ": rb"T3BlbkFJ[A-Za-z0-9]{20}",
    b"hf_": rb"hf_[A-Za-z]{34}",
    b"AIza": rb"AIza[\w-]{35}",
    b"SG.": rb"SG\.[\w-]{22}\.[\w-]{43}",
    b"npm_": rb"npm_[A-Za-z0-9]{36}",
    b"pypi-AgE": rb"pypi-AgE[\w-]{50,}",
}
"""What tokens of large services begin with, and their whole form, as those services publish it."""

_TOKEN = {
    begin: re.compile(rb"(?<![A-Za-z0-9_-])" * (begin != b"T3BlbkFJ") + form + rb"(?![A-Za-z0-9])")
    for begin, form in TOKENS.items()
}


def named_secret(name: str) -> bool:
    """Whether a file of this name holds secrets by custom."""
    lower = name.lower()
    return lower not in _HARMLESS and any(fnmatchcase(lower, each) for each in _NAMES)


def holds_secret(data: bytes) -> bool:
    """Whether a private key, or a token of a known service, is in the bytes."""
    if b"PRIVATE KEY-----" in data and _PRIVATE_KEY.search(data):
        return True
    return any(begin in data and form.search(data) for begin, form in _TOKEN.items())
