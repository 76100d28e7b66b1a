"""The table of twins: a function with its weights, written in several ways.

spelling      Twins, their weights, merging weights by hand
convolutions  padding, groups, one pixel, weights computed on the way
dense         dense layers, logits, image to vector
upsampling    transposed convolutions, interpolations, padded edges
norms         batch norms and constant affine maps
images        images normalised inside forward
additions     additions, subtractions, slices of one layer added
routes        concatenations, permutations, writing into slices, poolings
calls         rectifiers, dropout, how the calls are put together
compared      relevance of two spellings under every method
users         images, starts and autograd for networks of users
random_networks  random plans, spelled in two random ways
written       how each operation of a random plan is written
"""

from tests.helpers.twins import additions, calls, convolutions, dense, images, norms, routes, upsampling
from tests.helpers.twins.spelling import TWINS, Twins

__all__ = [
    "TWINS",
    "Twins",
    "additions",
    "calls",
    "convolutions",
    "dense",
    "images",
    "norms",
    "routes",
    "upsampling",
]
