"""Charter, members, keys and grants."""
