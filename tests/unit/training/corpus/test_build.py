"""From sources to shards and a manifest: what is kept, what is left out, and why."""

import hashlib
from pathlib import Path

import pytest

from hansa.core.errors import ConfigError, UserError
from hansa.training.corpus.build import build
from hansa.training.corpus.manifest import encode, read_manifest
from hansa.training.corpus.optout import read_opt_out
from support.corpus import GPL, MIT, installed, lines, module, tree, write

SHARD_BYTES = 8_000


def make(place: Path, out: Path, **options):
    return build([place], out, **{"workers": 0, "shard_bytes": SHARD_BYTES, **options})


def test_a_tree_becomes_shards_and_a_manifest(tmp_path: Path):
    made = make(tree(tmp_path / "ships", 20), tmp_path / "out")
    kept = lines(tmp_path / "out")
    assert [each.path for each in kept] == [f"m{n:03d}.py" for n in range(20)]
    assert kept[3].text == module(3)
    assert {(each.source, each.licence, each.language) for each in kept} == {
        ("ships", "MIT", "python")
    }
    [source] = made.sources
    assert (source.files, source.kept, source.dropped) == (21, 20, {"not source code": 1})
    assert len(made.shards) > 2
    for shard in made.shards:
        data = (tmp_path / "out" / shard.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (shard.bytes, shard.sha256)
        assert shard.text_bytes < SHARD_BYTES + 3_000
    assert made.text_bytes == sum(len(each.text.encode()) for each in kept)
    assert read_manifest(tmp_path / "out") == made
    assert str(tmp_path).encode() not in encode(made)


def test_every_file_is_counted_once(tmp_path: Path):
    site = tmp_path / "site"
    installed(site, "good", {"good/a.py": module(1), "good/b.py": ""}, "License-Expression: MIT")
    installed(site, "bad", {"bad/a.py": module(2)}, "License-Expression: GPL-3.0-only")
    installed(site, "mute", {"mute/a.py": module(3)})
    made = make(site, tmp_path / "out")
    assert [each.path for each in lines(tmp_path / "out")] == ["good/a.py"]
    for source in made.sources:
        assert source.files == source.kept + sum(source.dropped.values())
    assert made.dropped()["licence of the source"] == 4
    assert {each.name: each.licence for each in made.sources} == {
        "bad": "GPL-3.0-only", "good": "MIT", "mute": "unknown",
    }  # fmt: skip


def test_a_header_of_another_licence_drops_its_file(tmp_path: Path):
    site, gpl = tmp_path / "site", "# This is free software under the GNU General Public License.\n"
    files = {
        "p/a.py": module(1), "p/b.py": gpl + module(2),
        "p/c.py": "# SPDX-License-Identifier: LGPL-2.1-or-later\n" + module(3),
        "p/d.py": "# SPDX-License-Identifier: BSD-3-Clause\n" + module(4),
    }  # fmt: skip
    installed(site, "p", files, "License-Expression: MIT")
    made = make(site, tmp_path / "out")
    kept = {each.path: each.licence for each in lines(tmp_path / "out")}
    assert kept == {"p/a.py": "MIT", "p/d.py": "BSD-3-Clause"}
    assert made.dropped()["licence of the file"] == 2


def test_a_folder_with_a_licence_of_its_own_is_under_it(tmp_path: Path):
    root = tree(tmp_path / "ships", 1)
    write(root, {"vendor/COPYING": GPL, "vendor/deep/a.py": module(50)})
    write(root, {"other/LICENSE": MIT, "other/a.py": module(51)})
    made = make(root, tmp_path / "out")
    assert [each.path for each in lines(tmp_path / "out")] == ["m000.py", "other/a.py"]
    assert made.dropped()["licence of its folder"] == 1


def test_copies_and_near_copies_go(tmp_path: Path):
    root = tree(tmp_path / "ships", 3)
    near = module(1, 40).replace("read", "fetch", 1)
    write(root, {"n/a.py": module(1, 40), "n/b.py": near, "n/c.py": module(2)})
    made = make(root, tmp_path / "out")
    assert [each.path for each in lines(tmp_path / "out")] == [
        "m000.py", "m001.py", "m002.py", "n/a.py",
    ]  # fmt: skip
    assert made.dropped() == {"duplicate": 1, "near duplicate": 1, "not source code": 1}


def test_a_leak_of_the_evals_is_left_out_whole(tmp_path: Path):
    problem = "def mend(sail, wind):\n    return [each for each in sail if each.torn(wind) > 3]\n"
    root = tree(tmp_path / "ships", 2)
    write(root, {"leak.py": module(9) + "\n\n" + problem.upper().replace(" ", "  ").lower()})
    made = make(root, tmp_path / "out", against=[problem])
    assert "leak.py" not in {each.path for each in lines(tmp_path / "out")}
    assert made.dropped()["in the evals"] == 1
    assert (made.settings.evals_texts, made.settings.evals_runs > 0) == (1, True)


def test_what_owners_do_not_want_is_left_out(tmp_path: Path):
    site, listed = tmp_path / "site", tmp_path / "no.txt"
    installed(site, "A_Ships", {"a/x.py": module(1)}, "License-Expression: MIT")
    files = {"b/x.py": module(2), "b/inner/y.py": module(3), "b/z.py": module(4)}
    installed(site, "b", files, "License-Expression: MIT")
    digest = hashlib.sha256(module(4).encode()).hexdigest()
    listed.write_text(f"a-ships  # all\nb: b/inner/*\nsha256:{digest}\n")
    made = make(site, tmp_path / "out", opt_out=read_opt_out(listed))
    assert [each.path for each in lines(tmp_path / "out")] == ["b/x.py"]
    assert made.sources[0].dropped == {"opted out": made.sources[0].files}
    assert made.sources[1].dropped["opted out"] == 2


def test_secrets_are_replaced_and_counted(tmp_path: Path):
    token = "ghp_" + "aB3dE6gH9k" * 3 + "mN0pQr"
    root = tree(tmp_path / "ships", 1)
    write(root, {"x.py": f'{module(7)}\n\nTOKEN = "{token}"\nOTHER = "{token}"\n'})
    made = make(root, tmp_path / "out")
    text = lines(tmp_path / "out")[1].text
    assert token not in text
    assert text.count('"REDACTED-TOKEN-1"') == 2
    assert made.replaced() == {"token": 2}


def test_a_file_that_cannot_be_read_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path) -> bytes:
        raise PermissionError(path)

    root = tree(tmp_path / "ships", 1)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert make(root, tmp_path / "out").dropped()["cannot be read"] == 1


def test_processes_change_nothing(tmp_path: Path):
    root = tree(tmp_path / "ships", 30)
    make(root, tmp_path / "alone")
    make(root, tmp_path / "crew", workers=2)
    assert files_of(tmp_path / "alone") == files_of(tmp_path / "crew")


def test_a_corpus_that_is_made_stays(tmp_path: Path):
    root = tree(tmp_path / "ships", 3)
    made, before = make(root, tmp_path / "out"), files_of(tmp_path / "out")
    assert make(root, tmp_path / "out") == made
    assert files_of(tmp_path / "out") == before
    with pytest.raises(ConfigError, match="other sources or settings"):
        make(root, tmp_path / "out", against=["one two three four five six seven eight nine ten"])
    write(root, {"new.py": module(77)})
    with pytest.raises(ConfigError, match="other sources or settings"):
        make(root, tmp_path / "out")


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path):
    write(tmp_path / "out", {"letter.txt": "dear"})
    with pytest.raises(ConfigError, match=r"not empty: letter\.txt"):
        make(tree(tmp_path / "ships", 1), tmp_path / "out")


def test_a_place_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UserError, match="nowhere is not there"):
        make(tmp_path / "nowhere", tmp_path / "out")


def files_of(out: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(out.iterdir()) if each.is_file()}
