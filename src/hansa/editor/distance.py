"""How far two texts are from each other."""

COMPARED_CHARS_MAX = 2_000
"""Of what differs in the middle; the rest of longer ones is counted as if all of it differed."""


def edit_distance(one: str, other: str) -> int:
    """Levenshtein: the fewest characters to insert, delete or replace."""
    one, other = _unlike(one, other)
    rest = max(len(one), len(other)) - COMPARED_CHARS_MAX
    one, other = one[:COMPARED_CHARS_MAX], other[:COMPARED_CHARS_MAX]
    costs = list(range(len(other) + 1))
    for row, char in enumerate(one, start=1):
        diagonal, costs[0] = costs[0], row
        for column, wanted in enumerate(other, start=1):
            cheapest = min(costs[column] + 1, costs[column - 1] + 1, diagonal + (char != wanted))
            diagonal, costs[column] = costs[column], cheapest
    return costs[-1] + max(rest, 0)


def _unlike(one: str, other: str) -> tuple[str, str]:
    """Both without what they have in common at their beginning and end."""
    start, short = 0, min(len(one), len(other))
    while start < short and one[start] == other[start]:
        start += 1
    end = 0
    while end < short - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return one[start : len(one) - end], other[start : len(other) - end]
