"""The web pages of a node."""
