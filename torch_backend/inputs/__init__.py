"""What comes in: networks by name or from a file, images, the small trained networks that are shipped.

models           networks by name, with their weights
around           modules around the user's network
output           one of several outputs
user_file        what a file of the user's own defines
images           digits, photographs, files and folders of images
picture          an image file as a viewer shows it
digits_networks  the architectures of the two shipped networks
weights/         their trained weights
"""
