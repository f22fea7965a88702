"""Improving a model in stages, proving it, and shipping it only if it is better."""
