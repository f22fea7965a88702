"""What `benchmarks/gateway.py` puts in front of, behind and on the gateways it compares."""
