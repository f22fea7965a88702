"""`hansa do`: a shell command proposed, shown, and run only when confirmed."""

import subprocess
import sys
from pathlib import Path

import click

from hansa.cli.asking import Asking, asks_a_node, reply_fields, say_who_served
from hansa.cli.output import print_json, say


@click.command()
@click.argument("words")
@click.option("--yes", "-y", is_flag=True, help="Run it unasked if it only looks at things.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; runs nothing.")
@asks_a_node
def do(asking: Asking, words: str, yes: bool, as_json: bool) -> None:
    """Propose one shell command that does what WORDS say; run it only when confirmed.

    The exit code is the command's own; 1 if it was not run.
    """
    import asyncio
    import os
    import platform

    from hansa.core.clock import SystemClock
    from hansa.core.errors import UserError
    from hansa.editor import shell

    if yes and as_json:
        raise click.UsageError("--yes and --json do not go together")
    program = os.environ.get("SHELL") or "/bin/sh"
    system = f"{platform.system()}, {Path(program).name}"

    async def run() -> shell.Proposal:
        async with asking.client() as node:
            return await shell.propose(
                words, system, Path.cwd(), node, SystemClock(), asking.preferences()
            )

    made = asyncio.run(run())
    if as_json:
        fields = reply_fields(made.reply)
        print_json(
            {"command": made.command, "risks": made.risks, "touches": made.touches, **fields}
        )
        return
    print(made.command, flush=True)
    say_who_served(made.reply)
    if made.touches:
        say(f"names: {', '.join(made.touches)}")
    for risk in made.risks:
        say(f"careful: it {risk}")
    if yes and made.risks:
        raise UserError(f"--yes does not run a command that {made.risks[0]}",
                        hint="run `hansa do` without --yes and confirm it")  # fmt: skip
    if yes and (acting := shell.not_known_to_look(made.command)):
        raise UserError(f"--yes runs what only looks at things, and {acting} is not known to",
                        hint="run `hansa do` without --yes and confirm it")  # fmt: skip
    if not yes and not _confirmed():
        raise SystemExit(1)
    done = subprocess.run([program, "-c", made.command], check=False)
    raise SystemExit(done.returncode if done.returncode >= 0 else 128 - done.returncode)


def _confirmed() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        say("not run: nobody to ask")
        return False
    if click.confirm("run it?", default=False, err=True):
        return True
    say("not run")
    return False
