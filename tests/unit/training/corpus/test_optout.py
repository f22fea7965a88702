"""The list of what owners do not want in."""

from pathlib import Path

import pytest

from hansa.core.errors import UserError
from hansa.training.corpus.optout import read_opt_out


def test_names_paths_and_digests_are_read(tmp_path: Path):
    path = tmp_path / "no.txt"
    path.write_text(
        f"# ours\nShip_Yard\nboats: boats/a*  # half\nboats: x/*\nSHA256:{'A' * 64}\n\n"
    )
    listed = read_opt_out(path)
    assert listed.takes_source("ship.yard")
    assert not listed.takes_source("boats")
    assert listed.takes_path("Boats", "boats/ab/c.py")
    assert listed.takes_path("boats", "x/y.py")
    assert not listed.takes_path("boats", "y.py")
    assert listed.takes_file("a" * 64)
    assert not listed.takes_file("b" * 64)
    assert len(listed.digest) == 64


def test_a_line_that_is_no_entry_is_refused(tmp_path: Path):
    path = tmp_path / "no.txt"
    path.write_text("fine\n!what\n")
    with pytest.raises(UserError, match=r"no\.txt:2: '!what' is no entry"):
        read_opt_out(path)


def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path):
    (tmp_path / "no.txt").write_bytes(b"\xff\xfe")
    for name in ("no.txt", "none.txt"):
        with pytest.raises(UserError, match="cannot read the opt-out list"):
            read_opt_out(tmp_path / name)
