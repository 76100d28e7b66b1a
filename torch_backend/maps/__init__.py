"""Which map, and how alike are two of them? Saliency maps of chains, and of methods that are no chains.

saliency     one number for each pixel, of any method
averaged     SmoothGrad, Integrated Gradients: means of chains
grad_cam     which places of a convolutional layer speak for the class
occlusion    how far the logit falls when a window is covered
normalising  maps in [0, 1], by their percentiles
condition    can a map be compared: is it zero, constant, not finite?
ssim         structural similarity
scores       SCORES: structural similarity, rank correlation, cosine, overlap of the highest pixels
null         a score's level: maps that look alike and have nothing to do with each other
controls     an edge detector, the map of another image
"""
