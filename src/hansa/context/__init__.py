"""What the model sees: gather, budget, templates, trimming."""
