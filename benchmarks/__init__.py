"""Timings side by side with the reference ways and the machine's floor; results/ holds the dated tables."""
