"""The shapes on the wire; data only."""
