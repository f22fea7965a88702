"""Several members train one adapter; each at home, on pairs that never leave it.

Flower and Ray tell their makers of each run unless told not to, and read that when imported, which
is why it is set here.
"""

import os

os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
