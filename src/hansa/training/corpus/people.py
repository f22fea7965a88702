"""E-mail addresses, and people's names where authors are named.

Names are looked for only in lines that say who wrote something, beside an e-mail address, and in
`TODO(name)`: elsewhere a name cannot be told from a class.
"""

import re

from hansa.training.corpus.lines import Page
from hansa.training.corpus.placeholders import Placeholders

_MAIL = re.compile(
    r"(?<![\w.+@-])[A-Za-z0-9_][\w.+-]{0,63}@(?P<host>(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24})"
    r"\b(?![\w(\[=@]|\.\w)"
)
_SPELT_MAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z][\w.+-]{0,63}\s?(?:[\[(<{]\s?at\s?[\])>}]"
    r"|\s(?:AT|at)\s(?=\S+\s(?:DOT|dot)\s))"
    r"\s?[A-Za-z0-9-]{2,63}"
    r"(?:\s?(?:[\[(<{]\s?dot\s?[\])>}]|\s(?:DOT|dot)\s|\.)\s?[A-Za-z0-9-]{2,63}){1,3}\b"
)
_SPELT = ("(at)", "[at]", "<at>", "{at}", "( at )", "[ at ]", " at ")
_RESERVED = re.compile(
    r"(?:.*\.)?(?:example(?:\.(?:com|org|net|edu))?|test|invalid|localhost|local)"
    r"|openssh\.com|libssh\.org",
    re.IGNORECASE,
)
"""Hosts that are nobody's, and those that ciphers are named by."""
_NO_DOMAIN = frozenset({
    "py", "js", "ts", "md", "sh", "so", "png", "jpg", "jpeg", "svg", "gif", "txt", "json", "yml",
    "yaml", "toml", "html", "css", "xml", "csv", "get", "set", "mean", "sum", "dot", "transpose",
    "conj", "shape", "copy", "real", "imag", "ravel", "reshape", "astype", "min", "max", "all",
    "any", "values", "data", "array", "weight", "bias",
})  # fmt: skip
"""What follows the last dot in products of matrices, names of images and the like."""
_NOBODY = frozenset({"git", "hg", "svn"})

INITIALS_CHARS_MAX = 6
_WORD = r"(?:[A-ZÀ-ÖØ-Þ]\w{0,2}\.(?=[ ])|[A-ZÀ-ÖØ-Þ]\w*(?:['\u2019-]\w+)*)"
_PARTICLES = r"(?:(?:van|von|de|der|den|da|di|la|le|bin|al|el)[ ]){0,2}"
_NAME = rf"{_WORD}(?:[ ]{_PARTICLES}{_WORD}){{1,3}}"
_NAMES = re.compile(_NAME)
_BESIDE_MAIL = re.compile(
    rf"(?P<name>{_NAME})(?=\s?,?\s?[<(\[]?\s?(?:mailto:)?user\d+@example\.com)"
)

_MARK = r"[ \t]*(?:#+|//+|/?\*+|--|;|\"\"\"|''')?[ \t]*"
_ROLE = (
    r"(?:(?:original|lead|main|module|initial|first)[ ])?(?:co-?)?"
    r"(?:authors?(?:\(s\))?|maintainers?|contributors?|credits?|copyright[ ]holder|contact"
    r"|programmers?|developers?|reviewers?)"
)
_DEED = (
    r"(?:written|created|contributed|developed|implemented|authored|ported|adapted|modified|coded"
    r"|designed|maintained|reported|suggested|rewritten|improved|fixed)[ ](?:\w+[ ])?by:?"
    r"|(?:thanks|credits?)[ ]to:?|courtesy[ ]of"
)
_SAID = re.compile(
    rf"(?P<said>(?:^|(?<=\n)){_MARK}(?:[.:@\\-]{{0,2}}[ ]?)(?i:{_ROLE})[ \t]*[:=]+"
    rf"|(?:^|(?<=\n)){_MARK}(?:[@\\]author\b|\.\.[ ](?:module|section|code)author::)"
    r"|__(?:author|maintainer|credits|contact|copyright)__\s{0,4}=\s{0,4}[\[(]?\s?[\"']"
    r"|\b(?:author|maintainer)\s?=\s?[\"']"
    rf"|\b(?i:{_DEED})[ ]"
    r"|(?i:copyright|\(c\)|©)[ \t]*(?i:\(c\)|©|:)?[ \t]*[\d ,\u2013-]*(?i:by[ ])?)"
    r"(?P<rest>[^\n]{0,300})"
    r"(?P<more>(?:\n[ \t]*(?:#|\*|//)?[ \t]{4,}(?:and[ ])?[A-ZÀ-Þ][^\n:={}()\[\]]{3,80}"
    r"(?=\n|\Z)){0,8})"
)
_SAID_WORDS = (
    "author", "maintainer", "contributor", "credit", "copyright", "(c)", "©", "contact",
    "programmer", "developer", "reviewer", " by", "thanks to", "courtesy",
)  # fmt: skip
_TODO = re.compile(r"(\b(?:TODO|FIXME|XXX|HACK|NOTE)\()([a-z][a-z.-]{2,30})(?=\))")
_TODO_WORDS = ("todo(", "fixme(", "xxx(", "hack(", "note(")
_NOT_PEOPLE = re.compile(
    r"\b(?:Inc|LLC|Ltd|GmbH|AG|SA|Corp(?:oration)?|Co|Company|Foundation|Project|Teams?|Authors?"
    r"|Contributors?|Developers?|Software|Univers\w+|Institut\w*|Groups?|Lab\w*|Organi[sz]ation"
    r"|Committee|Association|Council|Community|Consortium|Technolog\w+|Systems?|Networks?|Research"
    r"|Services|Solutions|Holdings?|Center|Centre|School|College|Department|Government|Regents"
    r"|Microsoft|Google|Python|Copyright|License|Licence|All|Rights|Reserved|See|The|This|Apache"
    r"|MIT|BSD|Unknown|Anonymous|AS|IS|API|SHOULD|Mon|Tue|Wed|Thu|Fri|Sat|Sun|Version|Created|Original|Open|Source"
    r"|January|February|March|April|May|June|July|August|September|October|November|December"
    r"|GNU|SPDX|Code|Library|Module|File|Based|Permission|Redistribution|Released|Licensed)\b"
)


def replace_people(page: Page, stands: Placeholders) -> None:
    """Replace e-mail addresses and the names of authors."""
    page.change(("@",), lambda line: _MAIL.sub(lambda found: _mail(found, stands), line))
    page.change(_SPELT, lambda line: _SPELT_MAIL.sub(lambda found: _spelt(found, stands), line))
    page.change(
        ("@example.com",),
        lambda line: _BESIDE_MAIL.sub(lambda found: _name(found["name"], stands), line),
    )
    page.change(_SAID_WORDS, lambda lines: _SAID.sub(lambda found: _said(found, stands), lines), 8)
    page.change(
        _TODO_WORDS, lambda line: _TODO.sub(lambda found: found[1] + _login(found[2], stands), line)
    )


def _mail(found: re.Match[str], stands: Placeholders) -> str:
    host, local = found["host"], found[0].partition("@")[0]
    before = found.string[max(0, found.start() - 3) : found.start()]
    if local in _NOBODY or _RESERVED.fullmatch(host):
        return found[0]
    if host.rpartition(".")[2].lower() in _NO_DOMAIN or before.endswith("://"):
        return found[0]
    return stands.stand_in("e-mail", found[0].lower())


def _spelt(found: re.Match[str], stands: Placeholders) -> str:
    if "example" in found[0].lower():
        return found[0]
    return stands.stand_in("e-mail", re.sub(r"\s", "", found[0]).lower())


def _said(found: re.Match[str], stands: Placeholders) -> str:
    told = found["rest"] + found["more"]
    return found["said"] + _NAMES.sub(lambda each: _name(each[0], stands), told)


def _name(name: str, stands: Placeholders) -> str:
    shouted = name.isupper() and len(name) > INITIALS_CHARS_MAX
    return name if shouted or _NOT_PEOPLE.search(name) else stands.stand_in("name", name)


def _login(name: str, stands: Placeholders) -> str:
    if name.startswith("author-"):
        return name
    return stands.stand_in("name", name).lower().replace(" ", "-")
