"""Changes that keep what a program does: renaming, extracting, inlining."""
