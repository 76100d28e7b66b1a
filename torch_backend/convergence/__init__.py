"""How parallel is it? Cosine similarity convergence, beside its null and its theory.

csc          cosine similarity convergence of a method, from all start layers in one sweep
cosine       1 - |cos| of all pairs of vectors: along channels at each location, and of whole maps
statistics   what is kept of it, streamed; medians, intervals, the null
tallies      the statistics of a sweep, joined, and as arrays to be kept
skip_law     why it is undone at skips: the share of the identity path, and what follows from it
network_law  what each layer's mean and variance predict of it
reversed_chain  how the units of a location choose their parents: one pass for all starts
principal    the reference that a signed chain starts from
two_modes    the closure: a slow mode over locations, a fast one over channels; the parents' law
saturation   from its variances to the median of 1 - |cos|
predicted    what csc would read, predicted so
dobrushin    the rigorous worst case of the same chain
shuffles     weights in another order: what an order keeps, what it destroys
table        the results as a file
"""
