"""The editor door: completion, edit, ask."""
