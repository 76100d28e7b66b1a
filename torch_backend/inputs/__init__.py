"""What comes in: networks by name or from a file, images, trained networks and what they read.

models           networks by name, with their weights
zoo/             trained networks in ordinary packages
onnx_file        a network in an .onnx file
onnx             how such a file is read
around           modules around the user's network
output           one of several outputs
user_file        what a file of the user's own defines
images           images by name: samples, files, folders, arrays
preprocessing    from a picture to what a network reads, and back
files            image files
picture          an image file as a viewer shows it
photographs      photographs of installed packages
digits           scikit-learn's handwritten digits
digits_networks  the architectures of the two shipped networks
weights/         their trained weights
"""
