"""The catalog: what a model is, how it is prompted, where its weights are kept."""
