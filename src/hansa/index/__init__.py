"""A codebase made searchable: walk, chunk, search, store."""
