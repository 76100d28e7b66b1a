"""Corrupted data for the claims of the later literature."""

BREAKS = {}
