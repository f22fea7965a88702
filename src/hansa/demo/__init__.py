"""A whole league on one machine: three members, three processes, the real commands."""
