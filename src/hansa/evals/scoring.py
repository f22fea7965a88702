"""The measures: pass@k, exact match, edit similarity."""

import math


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """Chance that one of `k` samples passes, estimated without bias from `samples` of them.

    Source: "Evaluating Large Language Models Trained on Code" (2021), equation 1.

    Raises:
        ValueError: fewer samples than `k`, or more passed than there are.
    """
    if not 1 <= k <= samples or not 0 <= passed <= samples:
        raise ValueError(f"no pass@{k} of {passed} in {samples} samples")
    return 1.0 - math.comb(samples - passed, k) / math.comb(samples, k)


def trimmed(text: str) -> str:
    """Without white space at the ends of lines and at the end: it does not count."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def exact_match(text: str, target: str) -> bool:
    """Whether they are the same but for white space at the ends of lines; indentation counts."""
    return trimmed(text) == trimmed(target)


def edit_similarity(text: str, target: str) -> float:
    """1 less the Levenshtein distance over the longer length; 1.0 for the same, trimmed."""
    one, other = trimmed(text), trimmed(target)
    longer = max(len(one), len(other))
    return 1.0 - _distance(one, other) / longer if longer else 1.0


def _distance(one: str, other: str) -> int:
    """Insertions, deletions and replacements of characters from one text to the other."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        corner, row[0] = row[0], at
        for column, each in enumerate(other, 1):
            kept = corner if letter == each else corner + 1
            corner = row[column]
            row[column] = min(kept, corner + 1, row[column - 1] + 1)
    return row[-1]
