"""Rows of text on stdout, aligned, the same on a terminal and in a pipe."""

from collections.abc import Sequence


def print_table(head: Sequence[str], rows: Sequence[Sequence[str | int]]) -> None:
    """Print rows under their heads; numbers are aligned to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [
        max(len(line[column]) for line in [list(head), *cells]) for column in range(len(head))
    ]
    numeric = [
        bool(rows) and all(_is_number(row[column]) for row in rows) for column in range(len(head))
    ]
    for line in [list(head), *cells]:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        print("  ".join(aligned).rstrip())


def _is_number(cell: str | int) -> bool:
    return isinstance(cell, int) or cell.startswith(("$", "-$"))
