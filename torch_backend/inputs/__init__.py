"""What comes in: networks by name or from a file, images, the small trained networks that are shipped.

models           networks by name, with their weights
onnx_file        a network in an .onnx file
onnx             how such a file is read
user_file        what a file of the user's own defines
images           digits, photographs, files and folders of images
picture          an image file as a viewer shows it
digits_networks  the architectures of the two shipped networks
weights/         their trained weights
"""
