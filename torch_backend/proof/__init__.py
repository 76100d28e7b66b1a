"""What is proved? Statements about all classes of a network at once.

class_cone  how far apart the maps of any two classes can be
"""
