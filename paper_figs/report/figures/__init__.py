"""Figures of an audit for a paper, from results.nc and summary.json; judges nothing.

written      write_figures
verdicts     the table of verdicts as a picture
convergence  CSC curves, a panel for each start layer
scores       another class, another image, destroyed weights
maps         the grid of maps of one image
lines        a method's curve as matplotlib draws it
"""
