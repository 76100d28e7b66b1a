"""How does relevance travel? One pass down the network, its books, the chain as an operator.

passage    a rule bound to a node: how it hands relevance down, for all that follow
starts     where relevance starts, and how many vectors
classes    starts at classes of an output over space
plan       which start layers go down together
carried    relevance on the way down
holding    normalisations and gates that a method holds constant, as affine maps
sweep      one backward pass for every start layer
relevance  relevance from one start layer
ledger     the books: what came into every node, and where it went
skips      residual additions: what comes through the identity, what through the branch
units      a node's units as channels and locations
taps       a node's factor, location by location
operator   the chain as a matrix C, with its transpose
malloc     memory that keeps its pages during a sweep
"""
