"""What holds for all classes of a network at once? In float64; rigorous certificates are in rankone.proof.

class_cone  how far apart the maps of any two classes can be
"""
