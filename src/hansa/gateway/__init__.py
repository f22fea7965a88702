"""The HTTP door: one module a dialect."""
