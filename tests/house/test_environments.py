"""The environment of training can run the commands that are for it."""

import re

from support.repository import ROOT


def test_a_corpus_may_hold_every_language_of_the_index():
    project = (ROOT / "pyproject.toml").read_text()
    lock = (ROOT / "requirements-train.lock").read_text()
    grammars = set(re.findall(r'"(tree-sitter-\w+)>=', project))
    assert len(grammars) > 5
    assert {each for each in grammars if f"\n{each}==" not in lock} == set()
