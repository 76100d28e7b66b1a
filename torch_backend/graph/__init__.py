"""What is the network? Its nodes in call order, read from a model, with the activations of some images."""
