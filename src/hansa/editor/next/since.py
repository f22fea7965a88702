"""A file as it was at the last commit: what the latest edits are compared with."""

import subprocess
from pathlib import Path

from hansa.core.errors import NotFound, UserError

GIT_TIMEOUT_S = 10


def committed(path: Path, revision: str = "HEAD") -> str:
    """The text of a file at `revision`, with LF line endings.

    Raises:
        NotFound: git does not know the file there.
        UserError: there is no git, or it does not answer.
    """
    command = ["git", "-C", str(path.parent), "show", f"{revision}:./{path.name}"]
    try:
        run = subprocess.run(command, capture_output=True, timeout=GIT_TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise UserError("git is not installed", hint="edits are compared with a commit") from error
    except subprocess.TimeoutExpired as error:
        raise UserError(f"git did not answer within {GIT_TIMEOUT_S} s") from error
    if run.returncode != 0:
        said = run.stderr.decode(errors="replace").strip().splitlines()
        raise NotFound(
            f"{path} is not known at {revision}: {said[-1] if said else 'git failed'}",
            hint="commit it first, or name another revision with --since",
        )
    try:
        return run.stdout.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} at {revision} is not UTF-8") from error
