"""What is proved of a chain? Rigorous certificates, and the small independent verifier.

certificate   bounds on C = Z1 Z2 …, with their rounding error, as a JSON file
verify        the verifier: one file that shares nothing with the others but the words
rounding      the error of a product of non-negative matrices in binary64
column_pairs  the three maxima over all pairs of columns, in binary64
exact_chain   the same in integers

Of networks:

network          the records of a certificate of a network and one image, and its three files
network_words    what its claims say
network_rounding how many rounding errors an entry has, node by node
network_bounds   what is claimed at a layer, from what was measured there
verify_network   the verifier of networks: one file that shares nothing with the others but the words
tensor_file      named arrays in a safetensors file
"""
