"""How parallel is it? Cosine similarity convergence, its statistics, null and theory."""
