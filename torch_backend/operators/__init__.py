"""What is a layer? What one node computes: its value, its transpose, how its inputs make up what it reads.

operator        what every operator offers
linear          linear operators and what a rule may ask of them; dense layers, diagonals
convolution     convolutions, and the faster ways to carry them out
phases          the transpose of a convolution with few input channels
unweighted      additions, averages, what only moves numbers
rectifier       ReLU and its like
max_pool        which input of each window made its maximum
differentiable  anything else, known only through its derivative
layout          tensors in memory: channels-last, folded, finite; float32 that means float32
"""
