"""What every room stands on: errors, money, digests, signatures, files, clock, bounds."""
