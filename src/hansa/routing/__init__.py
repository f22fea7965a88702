"""Which replica, and why: pure functions over a snapshot."""
