"""Logs that prove themselves: Merkle trees, their proofs, and the formats of c2sp.org that others read them in."""
