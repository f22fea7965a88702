"""`hansa doctor`: checks this machine and configuration; says what to do."""

from pathlib import Path

import click

from hansa.cli.output import print_json


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False),
              help="Check this node's configuration too.")  # fmt: skip
@click.option("--state-dir", type=click.Path(path_type=Path), help="Where Hansa keeps its state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(config: Path | None, state_dir: Path | None, as_json: bool) -> None:
    """Check this machine and configuration; exits 1 if something has to be done."""
    from hansa.core.files import user_state_dir
    from hansa.doctor import examine

    findings = examine(state_dir or user_state_dir(), config)
    if as_json:
        print_json(findings)
    else:
        for each in findings:
            mark = "ok  " if each.ok else "FAIL"
            print(f"{mark}  {each.check}: {each.said}")
            if each.hint:
                print(f"      {each.hint}")
    if not all(each.ok for each in findings):
        raise SystemExit(1)
