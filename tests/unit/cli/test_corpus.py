"""`hansa corpus`."""

import json
from pathlib import Path

from support.corpus import installed, lines, module, tree


async def test_a_corpus_is_built_and_shown(run, tmp_path: Path):
    site, out = tmp_path / "site", str(tmp_path / "out")
    installed(site, "ships", {"ships/a.py": module(1)}, "License-Expression: MIT")
    built = await run("corpus", "build", "--from", str(site), "--out", out, "--workers", "0")
    assert built.code == 0
    kept = module(1).strip()
    assert (
        built.out.splitlines()[0]
        == f"kept      1 of 2 files, {len(kept) / 1e3:.1f} kB of text, 1 shard"
    )
    assert "neither --against-evals nor" in built.err

    shown = await run("corpus", "show", out)
    head, row = shown.out.splitlines()[:2]
    assert head.split() == ["SOURCE", "VERSION", "LICENCE", "FILES", "KEPT", "KB"]
    assert row.split()[:5] == ["ships", "1.0", "MIT", "2", "1"]
    told = json.loads((await run("corpus", "show", out, "--json")).out)
    assert [each["name"] for each in told["sources"]] == ["ships"]


async def test_evals_and_an_opt_out_list_are_taken(run, tmp_path: Path):
    root, evals, listed = tree(tmp_path / "ships", 3), tmp_path / "e.jsonl", tmp_path / "no.txt"
    evals.write_text(json.dumps({"prompt": module(1)}))
    listed.write_text("ships: m002.py\n")
    built = await run(
        "corpus", "build", "--from", str(root), "--out", str(tmp_path / "out"), "--workers", "0",
        "--against", str(evals), "--opt-out", str(listed), "--json",
    )  # fmt: skip
    assert built.err == ""
    dropped = json.loads(built.out)["sources"][0]["dropped"]
    assert dropped == {"in the evals": 1, "opted out": 1, "not source code": 1}
    assert [each.path for each in lines(tmp_path / "out")] == ["m000.py"]


async def test_a_folder_without_a_corpus_says_so(run, tmp_path: Path):
    ran = await run("corpus", "show", str(tmp_path))
    assert ran.code == 2
    assert "no corpus in" in ran.err
    assert "hansa corpus build" in ran.err
