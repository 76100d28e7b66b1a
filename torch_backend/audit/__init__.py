"""Does the map depend on what it claims to explain? On the class asked for, on the weights.

stages        a network's layers in the order in which their weights are destroyed
randomized    other weights, drawn at random, in some layers
forward_alone a method on random weights, with everything the forward pass computed kept
random_logit  another class is asked for
cascade       weights are destroyed, layer by layer
comparison    how alike two maps are, beside what maps that have nothing in common would be
"""
