"""Receipts, the Merkle log, prices and settlement."""
