"""Which tools? Other libraries' maps for `torch_backend.audit.of`, and this project inside another library.

None of these libraries is needed by this package: each is imported when it is used.

captum          any of captum.attr's attributions
zennit          a composite, and an attributor
quantus         what quantus.explain makes
grad_cam        any of pytorch-grad-cam's maps
shap            SHAP's DeepExplainer
quantus_metric  how much a map depends on the class, as a metric of Quantus
"""
