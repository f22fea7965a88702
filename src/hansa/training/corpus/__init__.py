"""Code to train on: where it comes from, what is left out and why, and a manifest of it all."""
