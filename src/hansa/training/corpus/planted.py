"""Secrets and personal data planted in code, and what looks like them: to measure what is found.

Everything is invented or drawn by chance, and put together here, so that no file holds one. The
sets were written before the rules were tried on them; what the rules miss stays in.
"""

import base64
import random
import string
from dataclasses import dataclass

SEED = 5
AT = "@"
ALNUM = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Snippet:
    kind: str
    """`key`, `token`, `password`, `e-mail`, `name` or `IP address`."""
    text: str
    private: str = ""
    """What must not be left; empty if `text` has to stay as it is."""


class Maker:
    """Draws what services and people would have made up."""

    def __init__(self, seed: int = SEED) -> None:
        self._chance = random.Random(seed)  # noqa: S311  planted, not kept secret

    def draw(self, count: int, alphabet: str = ALNUM) -> str:
        """`count` characters, by chance."""
        return "".join(self._chance.choices(alphabet, k=count))

    def pem(self, kind: str = "RSA ", rows: int = 6, wrap: str = "{}\n") -> str:
        """A private key's block with rows of 64 characters."""
        words = f"{kind}PRIVATE KEY"
        body = (self.draw(64, ALNUM + "+/") for _ in range(rows))
        lines = [f"-----BEGIN {words}-----", *body, self.draw(22) + "==", f"-----END {words}-----"]
        return "".join(wrap.format(line) for line in lines)

    def jwt(self) -> str:
        """Three parts, the first two of JSON."""
        parts = ('{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{self.draw(10, string.digits)}"}}')
        coded = [base64.urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in parts]
        return ".".join([*coded, self.draw(43)])

    def address(self) -> str:
        """A public IPv4 address."""
        chance = self._chance
        return f"{chance.choice([81, 93, 151, 185, 212])}." + ".".join(
            str(chance.randint(33, 250)) for _ in range(3)
        )


def positives() -> list[Snippet]:
    """Code with something private in it."""
    make = Maker()
    return [
        *_keys(make),
        *_tokens(make),
        *_passwords(make),
        *_mails(),
        *_names(),
        *_addresses(make),
    ]


def negatives() -> list[Snippet]:
    """Code that looks as if."""
    return [Snippet(kind, text) for kind, texts in _LOOK_ALIKES.items() for text in texts]


def _keys(make: Maker) -> list[Snippet]:
    whole, escaped, listed = make.pem(), make.pem("EC ", 2, "{}\\n"), make.pem("", 4, "    '{}',\n")
    quoted = make.pem("OPENSSH ", 5, '    "{}\\n"\n')
    indented, cut = make.pem("DSA ", 3, "        {}\n"), make.pem("", 5).partition("-----END")[0]
    bare = make.draw(64, ALNUM + "+/")
    told = [
        (f'KEY = """{whole}"""\n', whole), (f'key = b"{escaped}"\n', escaped),
        (f"LINES = [\n{listed}]\n", listed), (f"PEM = (\n{quoted})\n", quoted),
        (f'def key():\n    return textwrap.dedent("""\n{indented}    """)\n', indented),
        (f'TRUNCATED = """{cut}"""\n', cut), (f"# the deploy key:\n{_commented(whole)}", whole),
        (f'SIGNING_KEY = "{bare}"\n', bare), (f'"private_key": "{bare}",\n', bare),
        (f'print("""{whole}""", file=f)\n', whole),
    ]  # fmt: skip
    return [Snippet("key", text, _middle(block)) for text, block in told]


def _tokens(make: Maker) -> list[Snippet]:
    upper = string.ascii_uppercase + "234567"
    hexes = "0123456789abcdef"
    made = {
        "aws_access_key_id = '{}'": f"AKIA{make.draw(16, upper)}",
        'os.environ["GITHUB_TOKEN"] = "{}"': f"ghp_{make.draw(36)}",
        "gh = Github('{}')": f"github_pat_{make.draw(22)}_{make.draw(59)}",
        "# curl -H 'PRIVATE-TOKEN: {}'": f"glpat-{make.draw(20)}",
        'slack = WebClient(token="{}")': f"xoxb-{make.draw(11, string.digits)}-{make.draw(24)}",
        'HOOK = "https://hooks.slack.com/services/{}"':
            f"T{make.draw(8, upper)}/B{make.draw(8, upper)}/{make.draw(24)}",
        "stripe.api_key = '{}'": f"sk_live_{make.draw(24)}",
        'client = OpenAI(api_key="{}")': f"sk-proj-{make.draw(20)}T3BlbkFJ{make.draw(20)}",
        "anthropic_key: str = '{}'": f"sk-ant-api03-{make.draw(93)}AA",
        'login(token="{}")': f"hf_{make.draw(34, string.ascii_letters)}",
        "maps = googlemaps.Client('{}')": f"AIza{make.draw(35)}",
        'sg = SendGridAPIClient("{}")': f"SG.{make.draw(22)}.{make.draw(43)}",
        "//registry.npmjs.example/:_authToken={}": f"npm_{make.draw(36)}",
        'headers = {{"Authorization": "Bearer {}"}}': make.jwt(),
        "twilio = Client('AC0', '{}')": f"SK{make.draw(32, hexes)}",
        'bot = telebot.TeleBot("{}")': f"{make.draw(9, '123456789')}:AA{make.draw(33)}",
        'mc.set_config({{"api_key": "{}"}})': f"{make.draw(32, hexes)}-us12",
        "conn = 'DefaultEndpointsProtocol=https;AccountKey={}'": make.draw(86, ALNUM + "+/") + "==",
        "curl -H 'Authorization: token {}'": make.draw(40, hexes),
        "digitalocean = Manager(token='{}')": f"dop_v1_{make.draw(64, hexes)}",
    }  # fmt: skip
    return [Snippet("token", f"{text.format(value)}\n", value) for text, value in made.items()]


def _passwords(make: Maker) -> list[Snippet]:
    made = {
        'PASSWORD = "{}"': "Winter!Garden27", "db_password = '{}'": "tr0ub4dor&3x",
        '"password": "{}",': make.draw(14), "connect(user='app', passwd='{}')": "qL9-vassbotn",
        'DATABASE_URL = "postgres://app:{}' + AT + 'db.internal:5432/app"': make.draw(18),
        "redis://default:{}" + AT + "cache.internal:6379/0": "m7Rk2vQx",
        "SECRET_KEY = '{}'": make.draw(50, ALNUM + "!@#$%^&*(-_=+)"),
        'secret = os.environ.get("APP_SECRET", "{}")': make.draw(32),
        "api_key: {}": make.draw(32), "export API_TOKEN={}": make.draw(40),
        'settings["smtp_password"] = "{}"': "Hafen-Kran-1987",
        "    password => '{}',": "n0rdlicht_7", 'conf.set("api-key", "{}")': make.draw(24),
        "if token == '{}':": make.draw(20),
        'wifi_passphrase = "{}"': "correct horse battery staple",
        'admin_pwd = "{}"': "letmeinplease",
        "requests.get(url, auth=('deploy', '{}'))": make.draw(16),
    }  # fmt: skip
    return [Snippet("password", text.replace("{}", value) + "\n", value)
            for text, value in made.items()]  # fmt: skip


def _mails() -> list[Snippet]:
    made = {
        '__email__ = "{}"': ("kerstin.lindqvist", "fjordbyte.se"),
        "# Author: K. Lindqvist <{}>": ("kl", "fjordbyte.se"),
        "    :author: {}": ("bogdan_ilievski", "ml-skopje.mk"),
        '    author_email="{}",': ("dev+pkg", "hollerith-tools.de"),
        "# bug reports to {}.": ("bugs.tensorlib", "lists.numerix.org"),
        'ADMINS = [("ops", "{}")]': ("ops-oncall", "baltic-freight.com"),
        "See the thread by {} on the list": ("m.okonkwo1987", "mailbox.ng"),
        'msg["To"] = "{}"': ("anneke", "grachten.nl"),
        "/* Contact: {} */": ("r.tanaka", "cs.edo-univ.ac.jp"),
        "mailto:{}?subject=bug": ("support", "quillworks.io"),
        "user.email = '{}'": ("12345+someone", "users.noreply.github.com"),
        "# (c) 2011, {}, all rights reserved": ("JOHANNES.BRANDT", "WEB.DE"),
    }  # fmt: skip
    spelt = {"# written by {}": "kerstin (at) fjordbyte (dot) se",
             "# {}": "bogdan [at] ml-skopje.mk",
             "# Mail: {}": "anneke AT grachten DOT nl"}  # fmt: skip
    joined = {text: AT.join(value) for text, value in made.items()}
    return [Snippet("e-mail", text.replace("{}", value) + "\n", value)
            for text, value in (joined | spelt).items()]  # fmt: skip


def _names() -> list[Snippet]:
    made = {
        '__author__ = "{}"': "Kerstin Lindqvist", "# Author: {}": "Bogdan Ilievski",
        "# Copyright (c) 2014-2019 {}": "Anneke van der Meulen",
        "Copyright {} 2008. All rights reserved.": "Rin Tanaka",
        ":author: {}": "Mbali Okonkwo", " * @author {}": "Johannes B. Brandt",
        "// Written by {} in 2003.": "Ósk Jónsdóttir", "# Maintainer: {}": "J. P. Castellanos",
        "# Authors: {}, and others": "Kerstin Lindqvist", ".. moduleauthor:: {}": "Rin Tanaka",
        "# Based on an implementation contributed by {}": "Bogdan Ilievski",
        "# TODO({}): remove after the migration": "klindqvist",
        "    # Authors: Mbali Okonkwo\n    #          {}": "Anneke Meulen",
        "# Thanks to {} for the patch": "Johannes Brandt",
        "# © 2020 {}": "Mbali Okonkwo", '    author="{}",': "Kerstin Lindqvist",
        "# fix suggested by {}": "rin tanaka",
        "# {} showed in 2012 that this diverges": "Bogdan Ilievski",
    }  # fmt: skip
    return [Snippet("name", text.replace("{}", value) + "\n", value)
            for text, value in made.items()]  # fmt: skip


def _addresses(make: Maker) -> list[Snippet]:
    texts = (
        'HOST = "{}"', "server: {}:8443", "# ssh deploy at {}", "ping -c 1 {}",
        "ALLOWED = ['{}/24']",
        'r = requests.get("http://{}/metrics")', '{"client_ip": "{}"}', "nameserver {}",
        "127.0.0.1 localhost\n{} build-box", "BLOCKED = {'{}'}", "# seen from {} on Tuesday",
    )  # fmt: skip
    made = [(text, make.address()) for text in texts]
    sixth = "2a02:8109:" + make.draw(4, "123456789abcdef") + ":1c00::5f3"
    made += [('PEER = "{}"', sixth), ("[{}]:443", sixth)]
    return [Snippet("IP address", text.replace("{}", value) + "\n", value) for text, value in made]


def _middle(block: str) -> str:
    """A run of a key's block, which has to be gone."""
    return next((each for each in block.split("\n") if "-----" not in each and each), block)[8:40]


def _commented(block: str) -> str:
    return "".join(f"# {line}\n" for line in block.splitlines())


_LOOK_ALIKES: dict[str, tuple[str, ...]] = {
    "key": (
        'if "-----BEGIN " + kind in text:\n    raise ValueError("a key")\n',
        'BEGIN = "-----BEGIN RSA PRIVATE" " KEY-----"\n',
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYD\n",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD\n-----END PUBLIC KEY-----\n",
        'PRIVATE_KEY_FILE = "/etc/hansa/node.pem"\n', "private_key = load_pem(path.read_bytes())\n",
        'signing_key = derive("signing", parent)\n',
        '"-----BEGIN %s PRIVATE KEY-----\\n%s" % (kind, body)\n',
    ),
    "token": (
        'token = tokenizer.next_token()\n', 'TOKEN = "<your-token>"\n', 'token_type = "bearer"\n',
        'SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"\n',
        'uuid = "6fa459ea-ee8a-3ca4-894e-db77e160355e"\n', 'commit = "76aa6e0a1b2c3d4e5f60718"\n',
        'ID = "AKIA' + 'IOSFODNN7EXAMPLE"\n', "sk-learn is imported as sklearn\n",
        'headers["Authorization"] = f"Bearer {token}"\n', 'STOP_TOKEN = "<|endoftext|>"\n',
        'csrf_token_header = "X-CSRF-Token"\n', "hf_hub_download(repo_id, filename)\n",
        'integrity = "sha512-oeYrEfFqtJx1pkZm2Zlx"\n',
        'TOKEN_URL = "https://auth.example.com/token"\n',
        'tokens = ["int", "float", "str"]\n', "ghp_ and gho_ begin tokens of GitHub\n",
    ),
    "password": (
        'password = getpass("Password: ")\n', 'PASSWORD_FIELD = "new_password"\n',
        'password = os.environ["DB_PASSWORD"]\n',
        'parser.add_argument("--password", default=None)\n',
        'hasher = "pbkdf2_sha256"\n', 'SECRET_KEY = "change-me-please"\n', 'secret: str = ""\n',
        'raise ValueError("password too short")\n', 'passwd = "********"\n',
        'url = "postgres://user:password' + AT + 'localhost/db"\n',
        'secret_name = "app/database"\n',
        'password = config.get("auth.password")\n', 'API_KEY_HEADER = "x-api-key"\n',
        'token_algorithm = "RS256"\n', 'input_type = "password"\n', 'api_key = "${API_KEY}"\n',
        'credential_provider = "AssumeRoleWithWebIdentity"\n', 'secrets.token_urlsafe(32)\n',
    ),
    "e-mail": (
        f"mail = 'someone{AT}example.com'\n", f"git clone git{AT}github.com:org/repo.git\n",
        f"y = w{AT}x.T\n", f"loss = (a{AT}b.mean())\n", f"{AT}app.route('/')\n",
        f"{AT}pytest.mark.slow\ndef test(): ...\n", f"icon{AT}2x.png\n",
        f"name = 'user{AT}localhost'\n", f"npm install react{AT}18.2.0\n",
        f'PATTERN = r"[\\w.]+{AT}[\\w.]+"\n', f"weights = q{AT}k.transpose(1, 2)\n",
        f"uses: actions/checkout{AT}v4\n",
    ),
    "name": (
        "# Author: the Hansa Authors\n", "# Copyright 2019 Google LLC\n", "author: str\n",
        "# Copyright (c) The Regents of the University of Somewhere\n", "class Robert Kern\n",
        "author = models.ForeignKey(User)\n", "# See the Apache License for details\n",
        "# TODO: remove\n", 'title = "New York Times"\n',
        "# Copyright (C) 2001 Python Software Foundation\n",
        'authors = ["Open Source Contributors"]\n', "# Created by Setup Tools\n",
        "from Crypto Cipher import AES\n", "# Written by hand, not by a program\n",
    ),
    "IP address": (
        'HOST = "127.0.0.1"\n', 'bind("0.0.0.0")\n', 'server = "192.0.2.17"\n',
        'version = "4.15.0.112"\n', "# see section 7.1.12.1 of the standard\n", "ping 8.8.8.8\n",
        'gateway = "192.168.0.1"\n', 'OID = "2.5.29.35"\n', 'MASK = "255.255.255.0"\n',
        'User-Agent: "Chrome/91.0.4472.124"\n', "at = 12:34:56:789\n", 'peer = "2001:db8::17"\n',
        "mac = '00:1A:2B:3C:4D:5E'\n", "x[1:2, ::3]\n", 'requires = "pkg>=10.33.44.55"\n',
    ),
}  # fmt: skip
