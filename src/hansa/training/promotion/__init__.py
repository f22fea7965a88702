"""Promotion: whether a trained model may be shipped, decided by gates and signed."""
