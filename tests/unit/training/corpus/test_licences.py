"""What may be trained on, by metadata, by a licence's text and by a file's head."""

from email import message_from_string

import pytest

from hansa.training.corpus import licences
from support.corpus import GPL, MIT


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only or MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND BSD-3-Clause", True),
        ("MIT OR (GPL-3.0-only AND BSD-3-Clause)", True),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("Apache-2.0 WITH Something-else", False),
        ("MPL-2.0", False),
        ("unknown", False),
        ("", False),
        ("(MIT", False),
        ("MIT)", False),
        ("MIT MIT", False),
        ("MIT AND", False),
        ("(" * 5000, False),
    ],
)
def test_an_expression_leaves_a_permissive_choice_or_not(expression: str, holds: bool):
    assert licences.permissive(expression) is holds


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("License-Expression: MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("License: MIT License", "MIT"),
        ("License: apache 2.0", "Apache-2.0"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
        ("License: MIT\nClassifier: License :: OSI Approved :: MIT License", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License", ""),
        ("License: BSD\nClassifier: Programming Language :: Python", ""),
        ("License: GPL", "unknown"),
        ("License: MIT\nClassifier: License :: OSI Approved :: GNU General Public License v3",
         "unknown"),
        ("License: free for friends", "unknown"),
        ("Summary: says nothing", ""),
    ],
)  # fmt: skip
def test_metadata_is_read_as_spdx(lines: str, told: str):
    assert licences.of_metadata(message_from_string(f"Name: x\n{lines}\n\n")) == told


def test_a_text_is_told_by_its_phrases():
    bsd = "Redistribution and use in source and binary forms, with or without modification"
    assert licences.of_text(MIT) == "MIT"
    assert licences.of_text(bsd) == "BSD-2-Clause"
    assert licences.of_text(f"{bsd} ... to endorse or promote products") == "BSD-3-Clause"
    assert licences.of_text(f"{bsd} must display the following acknowledgement") == "BSD-4-Clause"
    assert licences.of_text(f"{MIT}\n\n{bsd}") == "BSD-2-Clause AND MIT"
    assert licences.of_text("# Apache License\n#  Version 2.0, January 2004") == "Apache-2.0"
    assert licences.of_text(GPL) == licences.of_text("All yours") == "unknown"
    assert not licences.permissive("BSD-4-Clause")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("# SPDX-License-Identifier: Apache-2.0\n", "Apache-2.0"),
        ("/* SPDX-License-Identifier: GPL-2.0-only */", "GPL-2.0-only"),
        ("# under the GNU Lesser\n", ""),
        ("# under the GNU Lesser General Public License\n", "unknown"),
        ("# License: GPLv3\n", "unknown"),
        ("# This file is proprietary and confidential.\n", "unknown"),
        ('"""Reads ships."""\n', ""),
    ],
)
def test_a_file_says_what_it_is_under(head: str, told: str):
    assert licences.of_head(head) == told


def test_what_is_far_down_is_not_the_head():
    assert licences.of_head("x = 1\n" * 2000 + "# GPLv3\n") == ""
