"""What comes in: networks by name or from a file, images, the small trained networks that are shipped."""
