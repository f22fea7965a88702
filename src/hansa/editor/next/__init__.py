"""Where the next edit belongs, and what it is: what follows from the edits made just now."""
