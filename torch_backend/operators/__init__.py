"""What is a layer? What a node computes: its value, the transpose of its derivative.

operator        what every operator offers
linear          linear operators and what a rule may ask of them; dense layers, diagonals
convolution     convolutions, transposed ones, and the faster ways to carry them out
phases          the transpose of a convolution with few input channels
unrolled        the transpose of a convolution in float64 on a GPU
unweighted      additions, averages, what only moves numbers
interpolation   bicubic: weights of both signs, one matrix for each axis
entrywise       functions of single numbers: activations, sigmoids
rectifier       ReLU and its like
holding         factors that the image itself makes: normalisations by its own statistics, gates
max_pool        which input of each window made its maximum
differentiable  anything else, known only through its derivative
layout          tensors in memory: their order, their leading axes merged, checked; no TF32
"""
