"""Measuring models the way the field does."""
