"""Measures accepted referrals per second on the machine that it runs on: `make bench`."""
