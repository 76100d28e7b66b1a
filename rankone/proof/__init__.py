"""Rigorous certificates of a chain, and the small independent verifier."""
