"""Amazon Bedrock, through its Converse API. Not run here.

Source: Amazon Bedrock API reference, "ConverseStream"; Amazon Bedrock user guide, "API keys".
"""

import re
from urllib.parse import quote

import msgspec

from hansa.core.clock import Clock, SystemClock
from hansa.core.errors import ConfigError
from hansa.engines.converse import ConverseReader, converse_body
from hansa.engines.hosted import Asked, Hosted
from hansa.engines.http import HttpClient
from hansa.engines.sigv4 import Credentials, Signer
from hansa.wire.features import Feature
from hansa.wire.requests import Request

FEATURES: frozenset[Feature] = frozenset({"chat", "tools"})

MORE: frozenset[Feature] = frozenset({"prefill"})
"""What some of its models can do; a replica says so in `features`."""

_HOST = re.compile(r"(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")
_ARN = re.compile(r"arn:aws(?:-us-gov)?:bedrock:([a-z0-9-]+):")


def bedrock(
    *,
    name: str,
    url: str,
    model: str,
    secret: str,
    features: frozenset[Feature] = FEATURES,
    fixed_sampling: bool = False,
    clock: Clock | None = None,
) -> Hosted:
    """The engine of replica `name`: `model` is an id, an inference profile or an ARN of either.

    `secret` is an API key of Bedrock's, or a JSON object with `access_key_id`,
    `secret_access_key` and, for lent credentials, `session_token`. With `fixed_sampling` the model
    is sent no temperature and no `topP`.

    Raises:
        ConfigError: the secret is neither, or the region is not in `url` and not in `model`.
    """
    key = credentials(name, secret)
    http = HttpClient(url or _address(name, model), [("content-type", "application/json")])
    signer = None
    if isinstance(key, Credentials):
        signer = Signer(key, _region(name, http.origin.host, model), "bedrock")
        bearer = ""
    else:
        bearer = key
    path = f"{http.origin.base}/model/{quote(model, safe='')}/converse-stream"
    speech = Converse(
        path,
        http.origin.authority,
        bearer,
        signer,
        clock or SystemClock(),
        fixed_sampling=fixed_sampling,
    )
    return Hosted(name, http, speech, features)


class Converse:
    """How ConverseStream is asked and read."""

    too_long = ("is too long", "maximum context length")

    def __init__(
        self,
        path: str,
        authority: str,
        bearer: str,
        signer: Signer | None,
        clock: Clock,
        *,
        fixed_sampling: bool,
    ) -> None:
        """`authority` is what requests say in `host`; `bearer` is used where nothing signs."""
        self._path, self._authority, self._fixed = path, authority, fixed_sampling
        self._bearer, self._signer, self._clock = bearer, signer, clock

    def ask(self, request: Request) -> Asked:
        """Raises Unsupported for what the API has no field for."""
        body = msgspec.json.encode(converse_body(request, fixed_sampling=self._fixed))
        if self._signer is None:
            return Asked(self._path, body, [("authorization", f"Bearer {self._bearer}")])
        sent = [("content-type", "application/json"), ("host", self._authority)]
        now_ms = self._clock.now_ms()
        return Asked(self._path, body, self._signer.headers("POST", self._path, sent, body, now_ms))

    def reader(self, request: Request) -> ConverseReader:
        return ConverseReader(request)


class _CredentialsFile(msgspec.Struct, forbid_unknown_fields=True):
    access_key_id: str
    secret_access_key: str
    session_token: str = ""


def credentials(name: str, secret: str) -> Credentials | str:
    """Read what `api_key_file` of replica `name` holds: what signs, or a key that is sent.

    Raises:
        ConfigError: it is neither; the message does not show it.
    """
    secret = secret.strip()
    if not secret.startswith("{"):
        if not secret or not secret.isprintable() or " " in secret:
            raise ConfigError(f"replica {name!r} needs a key of Bedrock's", hint="set api_key_file")
        return secret
    try:
        said = msgspec.json.decode(secret, type=_CredentialsFile)
    except (msgspec.DecodeError, RecursionError) as error:
        # The text of the error names keys and types, never values.
        raise ConfigError(
            f"the credentials of replica {name!r} are not as expected: {error}",
            hint="a JSON object with access_key_id, secret_access_key and maybe session_token",
        ) from error
    found = (said.access_key_id, said.secret_access_key, said.session_token)
    if not all(found[:2]) or not all(each.isascii() and each.isprintable() for each in found):
        raise ConfigError(f"the credentials of replica {name!r} are empty or not plain ASCII")
    return Credentials(*found)


def _address(name: str, model: str) -> str:
    found = _ARN.match(model)
    if found is None:
        raise ConfigError(
            f"where is the Bedrock of replica {name!r}? its url is empty, its model no ARN",
            hint='set url, like url = "https://bedrock-runtime.eu-central-1.amazonaws.com"',
        )
    return f"https://bedrock-runtime.{found[1]}.amazonaws.com"


def _region(name: str, host: str, model: str) -> str:
    found = _HOST.search(host) or _ARN.match(model)
    if found is None:
        raise ConfigError(
            f"the url of replica {name!r} does not name an AWS region, which a signature needs",
            hint="give the model as an ARN, or use a Bedrock API key",
        )
    return found[1]
