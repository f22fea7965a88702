"""Changes that come as text: read, placed in the file they are for, and merged."""
