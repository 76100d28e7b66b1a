"""Networks that were really trained, in ordinary packages of the Python index (extra `zoo`).

networks             their list, by name
trained              what is told of each of them, and how its package's files are found
mri_vgg16            VGG-16, brain MRI
moderation_resnet50  ResNet-50, content moderation
imagenet_lite0       EfficientNet-Lite0, ImageNet

Of the packages only data files are read, and the architecture of the last.
"""
