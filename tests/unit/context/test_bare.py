"""Secrets without quotes go, in the files where a bare word is a value; code stays as it is.

The secrets are made up; `«` and `»` stand around each.
"""

import re

import pytest

from hansa.context.redact import MARK, redact, redact_around

SECRETS = [
    # YAML
    ("a.yaml", "password: «hunter2secret»"),
    ("a.yml", "  db_password: «correcthorse»"),
    ("a.yml", "passphrase: «correct-horse-battery-staple»"),
    ("a.yml", "password: «p@ss,w0rd!x{y»"),
    ("a.yml", "password: «12345678»"),
    ("a.yml", "password: «hunter2#secret»"),
    ("a.yml", "token: «9f8c2b7a1e6d4c3b2a19»"),
    ("a.yml", "api_key: «Zx81kQp0Vb72mNw3»"),
    ("a.yml", "apiKey: «Zx81kQp0Vb72mNw3»"),
    ("a.yml", "api-key: «Zx81kQp0Vb72mNw3»"),
    ("a.yml", "client_secret: «Q8Qs3cr3t_Kx9»"),
    ("a.yml", "clientSecret: «wJalrXUtnFEMI/K7MDENG/bPxRfi»"),
    ("a.yml", '"secret": «s3cr3t-t0ken-x»'),
    ("a.yml", "- token: «123456789:AAFx81kQp0Vb72mNw3»"),
    ("a.yml", "encryption_key: «0f1e2d3c4b5a69788796a5b4c3d2»"),
    ("a.yml", "access_key: «Zx81kQp0Vb72mNw3Lk5»"),
    ("a.yml", "private_key_prod: «Zx81kQp0Vb72mNw3Lk5»"),
    ("a.yml", "pass: «hunter2secret»"),
    ("a.yml", "password: |\n  «hunter2secret»"),
    ("docker-compose.yml", "  - POSTGRES_PASSWORD=«correcthorse»"),
    ("docker-compose.yml", '  - "MYSQL_ROOT_PASSWORD=«hunter2secret»"'),
    ("deploy.yaml", "- name: DB_PASSWORD\n  value: «hunter2secret»"),
    ("deploy.yaml", "- name: API_TOKEN\n  value: «Zx81kQp0Vb72mNw3»"),
    ("secret.yaml", "  password: «aHVudGVyMnNlY3JldA==»"),
    ("values.yaml.gotmpl", "authToken: «Zx81kQp0Vb72mNw3»"),
    ("a.yml", "user: {name: a, password: «hunter2secret»}"),
    # .env
    (".env", "API_KEY=«abc123def456»"),
    (".env", "SECRET_KEY=«keepthisverysecret»"),
    (".env.local", "AUTH_TOKEN=«letmeinplease»"),
    (".env.production", "AWS_SECRET_ACCESS_KEY=«wJalrXUtnFEMI/K7MDENG/bPxRfi»"),
    ("prod.env", "DB_PASSWORD=«Sunshine»"),
    (".env", "DB_PASS=«hunter2secret»"),
    (".env", "REDIS_PASSWORD=«!Q2w3e4r5t»"),
    (".env", "JWT_SECRET=«3f2a9c1b-77d0-4e5f-8a9b-0c1d2e3f4a5b»"),
    # INI, properties, TOML
    ("a.ini", "password = «hunter2secret»"),
    ("setup.cfg", "token = «Zx81kQp0Vb72mNw3»"),
    ("a.conf", "secret=«Zx81kQp0Vb72mNw3»"),
    ("application.properties", "spring.datasource.password=«hunter2secret»"),
    ("application.properties", "api.key.secret = «Zx81kQp0Vb72mNw3»"),
    (".npmrc", "//registry.example.org/:_authToken=«Zx81kQp0Vb72mNw3»"),
    (".pypirc", "password: «hunter2secret»"),
    ("a.toml", "password = «12345678»"),
    ("a.toml", "token = '''«hunter2secret»'''"),
    # Shell and Dockerfile
    ("a.sh", "export TOKEN=«Zx81kQp0Vb72mNw3»"),
    ("a.sh", "  PGPASSWORD=«hunter2secret»"),
    ("a.sh", "curl --token=«Zx81kQp0Vb72mNw3»"),
    ("a.fish", "set -x API_TOKEN «Zx81kQp0Vb72mNw3»"),
    ("Dockerfile", "ENV API_TOKEN=«Zx81kQp0Vb72mNw3»"),
    ("Dockerfile.prod", "ENV DB_PASSWORD «hunter2secret»"),
    ("Dockerfile", "ARG NPM_TOKEN=«Zx81kQp0Vb72mNw3»"),
    ("Makefile", "API_KEY := «Zx81kQp0Vb72mNw3»"),
    ("README.md", "    export API_TOKEN=«abc123def456»"),
    ("README.md", "token: «Zx81kQp0Vb72mNw3»"),
    ("a.py", "# API_KEY=«Zx81kQp0Vb72mNw3»"),
    ("", "api_key=«Zx81kQp0Vb72mNw3»"),
]  # fmt: skip


@pytest.mark.parametrize("after", ["\n", "\nuser: me\n", "", "  # ours\n", "\r\n"])
def test_a_secret_without_quotes_goes_and_nothing_else_does(after: str) -> None:
    for path, marked in SECRETS:
        text, hidden = re.sub("[«»]", "", marked), re.sub("«.*»", MARK, marked)
        said = redact(f"x: 1\n{text}{after}", path)
        assert said == (f"x: 1\n{hidden}{after}", 1), (path, text)


ANYWHERE = [
    "token = next(tokens)", "password: str", "secret: Optional[bytes] = None", "key = args.key",
    "api_key=api_key", "password=getpass()", "password: ${DB_PASSWORD}", "password: {{ secret }}",
    "password: !vault |", "token: a unit of text", "token = self.tokens[index]",
    "private_key: &Ed25519PrivateKey,", "token: Option<String>,",
    "secret_key *rsa.PrivateKey", "password: string;", "token?: string | undefined",
    "api_key=settings.api_key,", "token = token1 or token2", "if token == previous_token:",
    "secret = base64.b64decode(value)", "token = request.headers.authorization",
    "secretName: my-app-tls", "tokens: 16384000", "token_endpoint: https://id.example.org/token2",
    "password_file: /run/secrets/db-password-1", "api_key_env: HANSA_API_KEY_2",
    "token: ${{ secrets.GITHUB_TOKEN }}", "id-token: write", "secrets: inherit",
    "max_token = 12345678", "eos_token: <|endoftext|>", "password: <from the vault>",
    "tokenizer: whitespace_v2_lower", "token: __TOKEN__", "token=$TOKEN", "TOKEN=$(cat token.txt)",
    "token = %(token)s", "password: changeme123", "password: vault:kv/db#password",
    "secret: arn:aws:secretsmanager:eu-west-1:123456789012:secret:db", "api_key: your-key-123",
    "privateKey: /etc/ssl/private/key1.pem", "password: *password1", "password: ENC[AES256,abc1]",
    "password: process.env.DB_PASSWORD", "key: redis-password1", "password: redis-password",
    "TOKEN_TTL=3600seconds", "token => $token1234",
    "current_password: Kennwort", "token: access_token",
    "password = None  # secret-1234-abcd", "token, secret = parse(line)", "password:", "token=",
]  # fmt: skip


@pytest.mark.parametrize("path", ["a.yaml", "a.py", "a.rs", "README.md", ".env", "a.sh", ""])
@pytest.mark.parametrize("text", ANYWHERE)
def test_code_references_and_prose_stay(text: str, path: str) -> None:
    for whole in (text, f"{text}\n", f"    {text}\nnext: 1\n"):
        assert redact(whole, path) == (whole, 0)


@pytest.mark.parametrize(
    "text",
    [
        "password = letmein_please",
        "token = x25519_sha256_token",
        "private_key: Ed25519PrivateKey",
        "token: PreTrainedTokenizer2Fast",
        "pwd = getcwd_v2",
    ],
)
def test_a_bare_word_is_a_name_in_code(text: str) -> None:
    assert redact(text, "a.py") == (text, 0)


@pytest.mark.parametrize("line", ["class Token:", "secret: Secret", "def password(self) -> str:"])
def test_a_docstring_is_no_value(line: str) -> None:
    text = f'{line}\n    """What it is."""\n'
    assert redact(text, "a.py") == (text, 0)


def test_what_is_taken_out_stays_out() -> None:
    once, _ = redact("password: hunter2secret\n", "a.yml")
    assert redact(once, "a.yml") == (once, 0)


@pytest.mark.parametrize("cut", range(len("password: hunter2secret") + 1))
def test_a_secret_goes_wherever_the_cursor_is(cut: int) -> None:
    text = "a: 1\npassword: hunter2secret\nb: 2\n"
    at = cut + len("a: 1\n")
    before, after, found = redact_around(text[:at], text[at:], "a.yml")
    assert found == 1
    assert before + after == f"a: 1\npassword: {MARK}\nb: 2\n"


def test_a_secret_that_begins_right_behind_the_cursor_goes() -> None:
    sides = redact_around("password:", "hunter2secret\nb: 2\n", "a.yml", between=" ")
    assert sides == ("password:", f"{MARK}\nb: 2\n", 1)


def test_a_long_line_of_names_takes_no_long_time() -> None:
    """Each name is looked at once, with a bound on what follows."""
    assert redact("token" * 20_000, "a.yml") == ("token" * 20_000, 0)
