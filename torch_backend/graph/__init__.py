"""What is the network? Its nodes in call order, read from a model by running it on some images.

node            an operation carried out, with its value for some images
graph           the nodes in order; `trace` reads them from a model
names           names of nodes: the paper's where it has them
paths           questions about ways through the nodes
rebuilt         the nodes carried out again, with other operators in some places
reading         from a model and images to nodes: run, record, fold, name, check
joined          several inputs as one
tokens          whole numbers that an embedding looks up
model           the user's model: refused, run, left as it came
recorder        a forward pass, recorded while it is carried out
memory          which numbers stand in a tensor, after what was written in place
arrangement     where the images stand in a tensor
signature       what an operator of ATen says of itself
step            what was read of one call
table           ATen's operators -> what they mean
layers          layers with weights, functions of single numbers
normalising     normalisations, by stored statistics or by each image's own
arithmetic      sums, constants
norms_in_steps  normalisations that a network writes out
entries         functions of single numbers that take several steps, as x g(x)
products        products of two tensors: gates, and functions written as x g(x)
routes          pooling, averages, and what only moves numbers
joining         tensors joined to one
derivative      calls that are known by their derivative only
simplifying     moves of numbers that come to less than was written
folding         affine maps in the layers beside them
attention       products that are attention, and no gates
gates           constants in gates, gates of gates
kept            operators with weights, kept between batches
checks          what makes a wrong reading impossible to miss
"""
