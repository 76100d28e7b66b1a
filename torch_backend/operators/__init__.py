"""What is a layer? What one node computes: its value, its transpose, how its inputs make up what it reads."""
