"""Draws `rankone sanity`: how alike maps stay when another class is asked for, when weights are destroyed."""
def draw(table, out): return out
