"""Which map? Saliency maps of chains, and of methods that are no chains.

saliency   one number for each pixel, of any method
averaged   SmoothGrad, Integrated Gradients: means of chains
grad_cam   which places of a convolutional layer speak for the class
occlusion  how far the logit falls when a window is covered
"""
