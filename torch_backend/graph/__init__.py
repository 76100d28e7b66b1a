"""What is the network? Its nodes in call order, read from a model, with the activations of some images.

node        an operation carried out, with its value for some images
graph       the nodes in order; `trace` reads them from a model
names       names of nodes: the paper's where it has them
paths       questions about ways through the nodes
program     the model's calls, listed by torch.fx; bad models and images are refused
execution   the calls carried out one by one
operation   what a call means for relevance
table       torch's functions, methods and modules -> what they mean
layers      layers with weights, rectifiers, dropout
arithmetic  sums, constants and products
routes      handlers for pooling, averages, and what only moves numbers
"""
