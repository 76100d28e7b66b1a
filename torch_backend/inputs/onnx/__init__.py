"""Networks in .onnx files: what a file may hold, and what is changed before it is carried out.

file        the bytes of a file, and those that it keeps beside itself, as a graph
operators   which graphs can be read: one image in, operators of ONNX's own, constant weights
constants   what depends on no image, computed once; one precision everywhere
outputs     a last softmax or sigmoid is left out
turns       transpositions that cancel
channels    images (B, *space, C) become (B, C, *space)
batch       a fixed number of images becomes any number
editing     nodes of a graph: who makes and who reads what
mended      operators that the converter carries out otherwise than the file says
network     the graph as a torch module, its parts named as in the file
"""
