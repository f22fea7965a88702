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
    """One figure; `bound` None is reported and not judged."""

    claim: str
    value: float
    unit: str
    bound: float | None = None

    @property
    def holds(self) -> bool:
        return self.bound is None or self.value <= self.bound


def arguments(about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the claims here too")
    return parser.parse_args()


def report(claims: list[Claim], json_path: Path | None) -> None:
    """Print the claims, write them, and end the program: 0 if all hold, else 1."""
    width = max(len(each.claim) for each in claims)
    for each in claims:
        bound = "" if each.bound is None else f"  (bound {each.bound:g})"
        verdict = "" if each.bound is None else ("holds" if each.holds else "MISSED")
        print(f"{each.claim:<{width}}  {each.value:10.2f} {each.unit}{bound}  {verdict}".rstrip())
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
