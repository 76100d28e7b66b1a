"""Does the map depend on what it claims to explain? On the class asked for, on the weights.

stages        a network's layers in the order in which their weights are destroyed
randomized    other weights, drawn at random, in some layers
forward_alone a method on random weights, with everything the forward pass computed kept
random_logit  another class is asked for
cascade       weights are destroyed, layer by layer
subject       what is examined: a method, made anew for each network
case          the network, images and classes that it is examined on
study         all tests of several subjects, in units on disk
table         what they found, as rows
corrections   what each correction of the paper's code changes by itself
comparison    how alike two maps are, beside what maps that have nothing in common would be
claims        what trained networks say of the claims of the paper and others
"""
