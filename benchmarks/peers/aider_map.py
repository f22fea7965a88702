"""Runs in aider's environment: ask its repository map, answer with places. Used by `retrieval.py`.

Standard input is `[{"words": ..., "path": ...}]`; the answer is a list of `[path, line]` for each.
"""

import json
import re
import sys
from pathlib import Path

from aider.repomap import RepoMap

TAGS_MAX = 400


class Silent:
    """What the map expects of a terminal."""

    def tool_output(self, *_: object) -> None: ...

    def tool_warning(self, *_: object) -> None: ...

    def tool_error(self, *_: object) -> None: ...

    def read_text(self, path: str) -> str:
        return Path(path).read_text("utf-8", errors="replace")


def main() -> None:
    root = Path(sys.argv[1])
    files = [str(path) for path in sorted(root.rglob("*.py"))]
    repository_map = RepoMap(root=str(root), io=Silent())
    answers = []
    for asked in json.load(sys.stdin):
        words = {word for word in re.split(r"\W+", asked["words"]) if word}
        chat = [str(root / asked["path"])] if asked["path"] else []
        others = [path for path in files if path not in chat]
        tags = repository_map.get_ranked_tags(chat, others, set(), words)
        answers.append([[tag.rel_fname, tag.line + 1] for tag in tags if len(tag) > 1][:TAGS_MAX])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
