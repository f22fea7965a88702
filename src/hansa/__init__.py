"""Hansa: one AI coding assistant, run together by organisations that stay independent."""

__version__ = "0.1.0"
