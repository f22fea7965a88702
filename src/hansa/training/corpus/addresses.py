"""IP addresses that are somebody's: not loopback, private, reserved, or numbers of versions."""

import ipaddress
import re

from hansa.training.corpus.lines import Page
from hansa.training.corpus.placeholders import Placeholders

_V4 = re.compile(r"(?<![\w.+-])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\w|-\w)")
_V6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:{1,2}){3,7}[0-9A-Fa-f]{0,4}(?![\w:.])")
_MAY_BE_V4 = re.compile(r"\.\d{1,3}\.\d{1,3}\b")
_MAY_BE_V6 = re.compile(r":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:")
"""These begin with a sign, which is found far quicker than a class of characters."""
_COUNTED = re.compile(
    r"version|\bver\b|\brelease|section|\bsec\.|§|chapter|clause|\brfc|\bsince\b|upgrade|\boid|oid\b"
    r"|objectidentifier|appendix|paragraph|figure|table\b|build\b|\brev\b|user-?agent|mozilla/|==|>=|<=|~=",
    re.IGNORECASE,
)
"""In a line with one of these, four numbers count something."""
_PLACED = re.compile(
    r"\bip\b|ip_|_ip|host|addr|server|dns|inet|ping|connect|proxy|remote|client|peer|gateway"
    r"|listen|bind|ssh|curl|://",
    re.IGNORECASE,
)
"""In a line with one of these, they are a place."""
_SMALL = 32
_EVERYBODYS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "1.2.3.4"})
"""Public resolvers, and the address of examples."""
_OBJECTS = ("1.3.6.", "2.5.4.", "2.5.29.")
"""Object identifiers of X.509 begin so. Source: RFC 5280."""


def replace_addresses(page: Page, stands: Placeholders) -> None:
    """Replace public IP addresses by those for documentation."""
    if _MAY_BE_V4.search(page.text):
        page.replace(_V4.sub(lambda found: _v4(found, stands), page.text))
    if _MAY_BE_V6.search(page.text):
        page.replace(_V6.sub(lambda found: _v6(found, stands), page.text))


def _v4(found: re.Match[str], stands: Placeholders) -> str:
    value = found[0]
    if value in _EVERYBODYS or value.startswith(_OBJECTS) or not _public(value):
        return value
    line = _line_around(found)
    if not _PLACED.search(line):
        small = all(int(each) < _SMALL for each in value.split("."))
        if small or _COUNTED.search(line):
            return value
    return stands.stand_in("IP address", value)


def _v6(found: re.Match[str], stands: Placeholders) -> str:
    value = found[0]
    return stands.stand_in("IPv6 address", value.lower()) if _public(value) else value


def _public(value: str) -> bool:
    """Whether it is an address in the public internet."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast


def _line_around(found: re.Match[str]) -> str:
    text, start, end = found.string, found.start(), found.end()
    return text[text.rfind("\n", 0, start) + 1 : (text.find("\n", end) + 1 or len(text) + 1) - 1]
