"""Whether code may be trained on and passed on: its licence as SPDX, and the permissive ones.

Told from a package's metadata, from its licence's text where the metadata is silent or vague, and
from each file's head. What is unknown is not permissive.
"""

import re
from collections.abc import Iterable
from email.message import Message

PERMISSIVE = frozenset({
    "0BSD", "Apache-2.0", "BSD-1-Clause", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
    "BlueOak-1.0.0", "CC0-1.0", "CNRI-Python", "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "NCSA",
    "PSF-2.0", "PostgreSQL", "Python-2.0", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "X11",
    "ZPL-2.1", "Zlib",
})  # fmt: skip
"""Licences that ask for no more than their notice. Source: the SPDX list, version 3.27."""

EXCEPTIONS = frozenset({"LLVM-exception"})
"""What may follow WITH: it permits more."""

UNKNOWN = "unknown"

TEXT_CHARS = 64 * 1024
"""As much of a licence's text is read."""

HEAD_CHARS = 4096
"""Where a file says what it is under."""

NAME_CHARS_MAX = 100
"""Metadata that is longer is the licence's text, not its name."""

_SPELLINGS = {
    "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache-2": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0", "apache license version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0", "apache 2": "Apache-2.0", "apache2": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0", "mit license": "MIT", "the mit license": "MIT",
    "the mit license (mit)": "MIT", "expat": "MIT", "expat license": "MIT", "mit-license": "MIT",
    "mit no attribution license (mit-0)": "MIT-0", "bsd 3-clause": "BSD-3-Clause",
    "bsd-3": "BSD-3-Clause", "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause", "bsd 3 clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause", "new bsd license": "BSD-3-Clause", "modified bsd": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause", "bsd 2-clause": "BSD-2-Clause",
    "bsd-2": "BSD-2-Clause", "simplified bsd": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause", "isc license": "ISC", "isc license (iscl)": "ISC",
    "psf": "PSF-2.0", "psf license": "PSF-2.0", "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0", "the unlicense (unlicense)": "Unlicense",
    "the unlicense": "Unlicense", "zlib/libpng license": "Zlib", "zope public license": "ZPL-2.1",
    "boost software license 1.0 (bsl-1.0)": "BSL-1.0", "cc0": "CC0-1.0",
    "cc0 1.0 universal (cc0 1.0) public domain dedication": "CC0-1.0",
    "historical permission notice and disclaimer (hpnd)": "HPND",
    "university of illinois/ncsa open source license": "NCSA", "postgresql license": "PostgreSQL",
}  # fmt: skip
"""What older metadata says, in lower case, to SPDX."""

_VAGUE = frozenset(
    {
        "bsd",
        "bsd license",
        "osi approved",
        "dfsg approved",
        "",
    }
)
"""Says too little; the licence's text has to tell which."""

_ELSE = re.compile(
    r"GNU (?:AFFERO |LESSER |LIBRARY )?GENERAL PUBLIC|GNU (?:AFFERO|LESSER|LIBRARY)\b"
    r"|MOZILLA PUBLIC LICEN|ECLIPSE PUBLIC LICEN|EUROPEAN UNION PUBLIC LICEN"
    r"|COMMON DEVELOPMENT AND DISTRIBUTION|SERVER SIDE PUBLIC LICEN|BUSINESS SOURCE LICEN"
    r"|ELASTIC LICEN|COMMONS CLAUSE|CREATIVE COMMONS ATTRIBUTION|OPEN SOFTWARE LICENSE"
    r"|END USER LICEN[SC]E AGREEMENT|LICENSE AGREEMENT FOR NVIDIA",
    re.IGNORECASE,
)
"""Terms that ask for more than a notice, where they stand at the head of a text."""
_ELSE_CHARS = 1500

_TEXTS = (
    ("PSF-2.0", ("PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2",)),
    ("Apache-2.0", ("Apache License", "Version 2.0")),
    ("MIT", ("Permission is hereby granted, free of charge, to any person obtaining",
             "permission notice shall be included")),
    ("ISC", ("Permission to use, copy, modify, and", "with or without fee is hereby granted",
             "provided that the above")),
    ("Unlicense", ("This is free and unencumbered software released into the public domain",)),
    ("Zlib", ("The origin of this software must not be misrepresented",)),
    ("BSL-1.0", ("Boost Software License - Version 1.0",)),
    ("CC0-1.0", ("CC0 1.0 Universal",)),
)  # fmt: skip
"""A licence and the phrases that are all in its text."""

_HEADER_ELSE = re.compile(
    r"GNU\s+(?:(?:Affero|Lesser|Library)\s+)?General\s+Public|\b[AL]?GPL(?:v?[123]\b|\b)"
    r"|Mozilla\s+Public\s+Licen|\bMPL\s?2|Eclipse\s+Public\s+Licen|\bCDDL\b"
    r"|Creative\s+Commons\s+Attribution|\bCC[ -]BY\b|Server\s+Side\s+Public|Business\s+Source\s+Lic"
    r"|proprietary\s+and\s+confidential|confidential\s+and\s+proprietary|may\s+not\s+be\s+copied"
    r"|unauthori[sz]ed\s+copying|non-?commercial\s+use\s+only|trade\s+secret",
    re.IGNORECASE,
)
_SPDX = re.compile(r"SPDX-License-Identifier:\s*([\w.+\-() ]{2,100})")
_SPDX_WORD = re.compile(r"[()]|[\w.+-]+")


def permissive(expression: str) -> bool:
    """Whether an SPDX expression leaves a choice among permissive licences.

    What is not an expression is not permissive.
    """
    words = _SPDX_WORD.findall(expression)
    try:
        holds, rest = _alternatives(words)
    except (IndexError, RecursionError):
        return False
    return holds and not rest


def of_metadata(metadata: Message) -> str:
    """A package's licence as SPDX by its metadata; `unknown` of another; empty if it says nothing.

    Where older metadata names several, all of them count.
    """
    expression = str(metadata["License-Expression"] or "").strip()
    if expression:
        return expression
    classified = [
        str(line).rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or []
        if str(line).startswith("License ::")
    ]
    stated = str(metadata["License"] or "").strip()
    said = [*classified, *([stated] if len(stated) <= NAME_CHARS_MAX else [])]
    names = [_spelled(each) for each in said if each.strip().lower() not in _VAGUE]
    return UNKNOWN if UNKNOWN in names else _all_of(names)


def asks_more(text: str) -> bool:
    """Whether a licence's text begins as one that asks for more than its notice."""
    return bool(_ELSE.search(_flat(text)[:_ELSE_CHARS]))


def of_text(text: str) -> str:
    """The licence whose text this is; several are joined with AND; else `unknown`."""
    flat = _flat(text)
    if asks_more(text):
        return UNKNOWN
    found = [name for name, phrases in _TEXTS if all(each in flat for each in phrases)]
    if "Redistribution and use in source and binary forms" in flat:
        found.append(_bsd(flat))
    return _all_of(found) or UNKNOWN


def of_head(text: str) -> str:
    """What a file's first lines say of its own licence: SPDX, `unknown`, or empty if nothing."""
    head = text[:HEAD_CHARS]
    said = _SPDX.search(head)
    if said:
        return said[1].strip().rstrip("*/-> ").strip()
    return UNKNOWN if _HEADER_ELSE.search(head) else ""


def both(one: str, other: str) -> str:
    """The licence of what is under two."""
    return UNKNOWN if UNKNOWN in (one, other) else _all_of([one, other])


def _flat(text: str) -> str:
    return re.sub(r"[\s#*/]+", " ", text[:TEXT_CHARS])


def _alternatives(words: list[str]) -> tuple[bool, list[str]]:
    holds, rest = _together(words)
    while rest and rest[0].upper() == "OR":
        other, rest = _together(rest[1:])
        holds = holds or other
    return holds, rest


def _together(words: list[str]) -> tuple[bool, list[str]]:
    holds, rest = _single(words)
    while rest and rest[0].upper() == "AND":
        other, rest = _single(rest[1:])
        holds = holds and other
    return holds, rest


def _single(words: list[str]) -> tuple[bool, list[str]]:
    if words[0] == "(":
        holds, rest = _alternatives(words[1:])
        if rest[0] != ")":
            return False, rest
        return holds, rest[1:]
    holds, rest = words[0] in PERMISSIVE, words[1:]
    if rest and rest[0].upper() == "WITH":
        holds, rest = holds and rest[1] in EXCEPTIONS, rest[2:]
    return holds, rest


def _spelled(said: str) -> str:
    lower = said.strip().lower()
    if lower in _SPELLINGS:
        return _SPELLINGS[lower]
    return said.strip() if permissive(said) else _exact(lower)


def _exact(lower: str) -> str:
    return next((each for each in PERMISSIVE if each.lower() == lower), UNKNOWN)


def _all_of(names: Iterable[str]) -> str:
    unique = sorted(set(names))
    if len(unique) < 2:
        return "".join(unique)
    return " AND ".join(f"({each})" if " " in each else each for each in unique)


def _bsd(flat: str) -> str:
    if "must display the following acknowledg" in flat:
        return "BSD-4-Clause"
    endorses = "endorse or promote products" in flat
    return "BSD-3-Clause" if endorses else "BSD-2-Clause"
