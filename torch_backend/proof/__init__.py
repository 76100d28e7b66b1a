"""What is proved? Statements about all classes of a network at once."""
