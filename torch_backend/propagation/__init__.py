"""How does relevance travel? One pass down the network, its books, the chain as an operator."""
