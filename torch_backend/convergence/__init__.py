"""How parallel is it? Cosine similarity convergence, beside its null and its theory.

csc          cosine similarity convergence of a method, from all start layers in one sweep
cosine       1 - |cos| of all pairs of vectors: along channels at each location, and of whole maps
statistics   what is kept of it, streamed; medians, intervals, the null
tallies      the statistics of a sweep, joined, and as arrays to be kept
skip_law     why it is undone at skips: the share of the identity path, and what follows from it
network_law  what each layer's mean and variance predict of it
table        the results as a file
"""
