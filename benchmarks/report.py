"""How every benchmark reports: a table for people, JSON for programs, exit 1 for a missed bound."""

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure; `bound` None is reported and not judged.

    A bound is the most that `value` may be, or with `at_least` the least.
    """

    claim: str
    value: float
    unit: str
    bound: float | None = None
    at_least: bool = False

    @property
    def holds(self) -> bool:
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def line(self, width: int) -> str:
        """The figure as people read it, its name padded to `width`."""
        text = f"{self.claim:<{width}}  {self.value:10.2f} {self.unit}"
        if self.bound is None:
            return text
        limit = f"at least {self.bound:g}" if self.at_least else f"bound {self.bound:g}"
        return f"{text}  ({limit})  {'holds' if self.holds else 'MISSED'}"


def option_parser(about: str) -> argparse.ArgumentParser:
    """A parser that knows what every benchmark takes; one with options of its own adds them."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the claims here too")
    return parser


def arguments(about: str) -> argparse.Namespace:
    return option_parser(about).parse_args()


def report(claims: list[Claim], json_path: Path | None) -> None:
    """Print the claims, write them, and end the program: 0 if all hold, else 1."""
    width = max(len(each.claim) for each in claims)
    for each in claims:
        print(each.line(width))
    if json_path:
        document = {
            "claims": [{**asdict(each), "holds": each.holds} for each in claims],
            "machine": {
                "processors": os.cpu_count(),
                "python": platform.python_version(),
                "system": platform.platform(),
            },
            "commit": _commit(),
        }
        json_path.write_text(json.dumps(document, indent=2) + "\n")
    sys.exit(0 if all(each.holds for each in claims) else 1)


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()
