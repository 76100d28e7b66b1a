r"""Networks of public collections: which are read, is their gradient right, which methods serve them.

    python -m benchmarks.collections [--only REGEX] [--rows FILE.jsonl] [--out FILE.md] [--jobs 2]

Every network is built without weights (seeded), in eval mode and float64, at a small input that it accepts,
with a batch of two; its batch norms get the statistics of their layers, as after training. Each one has a
process of its own with a limit of time and memory, and its row is appended to --rows at once: a row that is
there is not measured again, so that a stopped run goes on where it was. --out is written from all rows that
--only matches.

The collections are for this benchmark only. Put them beside the project in an environment of their own,
without what they depend on, as some ask for another torch than the project's:

    python -m venv zoo && zoo/bin/pip install --constraint constraints.txt '.[networks]'
    zoo/bin/pip install --no-deps timm==1.0.31 segmentation-models-pytorch==0.6.0 monai==1.6.1 \
        torchxrayvision==1.5.7 braindecode==1.8.1 torchaudio==2.11.0
    zoo/bin/pip install --no-deps PyYAML==6.0.4 huggingface_hub==2.4.0 hf-xet==1.8.0 httpx==0.28.1 \
        httpcore==1.0.9 httpx2==2.16.2 httpcore2==2.16.2 truststore==0.10.5 h11==0.16.0 anyio==4.16.0 \
        sniffio==1.3.1 idna==3.20 certifi==2026.10.19.post1 requests==2.34.2 urllib3==2.8.0 \
        charset-normalizer==3.5.3 pandas==3.1.1 pytz==2026.6 python-dateutil==4.0.0 joblib==1.6.0 \
        einops==0.8.2 mne==1.13.2 mne-bids==0.20.0 decorator==5.3.1 pooch==1.9.0 platformdirs==4.14.8 \
        h5py==3.16.0 skorch==1.4.0 tabulate==0.10.0 torchinfo==1.8.0 wfdb==4.3.1 \
        docstring-inheritance==3.0.0 linear-attention-transformer==0.19.1 linformer==0.2.3 \
        axial-positional-embedding==0.3.12 local-attention==1.11.2 \
        hyper-connections==0.4.11 product-key-memory==0.3.0 CoLT5-attention==0.11.2

A collection that is not installed is said to be missing, and left out.
"""

import argparse
import json
import os
import re
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.measure import RESULTS, describe_machine
from rankone.errors import one_line, refuse
from torch_backend import Graph, Method, ledger, methods, relevance, trace

SEED = 0
BATCH = 2
RIGHT = 1e-8  # relative error of a gradient in float64 that is rounding only
RIGHT_Z = 1e-6  # the same of LRP_z, whose small denominators blow rounding up
CLOSED = 1e-9  # what the books leave unexplained, relative to the largest account
SAID = 300  # characters of a message that are kept
PRELOADED = ("torchvision", "timm", "segmentation_models_pytorch", "monai.networks.nets")
HOW = {-signal.SIGXCPU: "out of time", -signal.SIGKILL: "out of time", -signal.SIGSEGV: "segmentation fault"}
METHODS = {
    "z_plus": methods.z_plus,
    "alpha2_beta1": methods.alpha2_beta1,
    "lrp_epsilon": methods.lrp_epsilon(),
}


class Case(NamedTuple):
    """make: builds the network, importing its collection; shape: of one input; wanted: of several outputs."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    wanted: str | int = 0


class Wanted(nn.Module):
    """The one output that is wanted of a network that returns several: what a user has to write."""

    def __init__(self, network: nn.Module, key: str | int) -> None:
        super().__init__()
        self.network, self.key = network, key

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)[self.key]


# --- the tables, one for each collection: name of a network -> Case


def each(names: str, make: Callable[[str], Case]) -> dict[str, Case]:
    """The cases of several names."""
    return {name: make(name) for name in names.split()}


def _torchvision(name: str, *shape: int, **options: Any) -> Case:
    return Case(lambda: import_module("torchvision.models").get_model(name, weights=None, **options), shape)


def _fully(name: str) -> Case:
    options = {"weights": None, "weights_backbone": None, "num_classes": 5}
    return Case(lambda: import_module("torchvision.models").get_model(name, **options), (3, 64, 64), "out")


def _mvit() -> nn.Module:
    """mvit_v1_b and mvit_v2_s themselves take videos of 16 x 224 x 224 only."""
    mvit = import_module("torchvision.models.video.mvit")
    sizes = (([3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 2, 2]), ([3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 1, 1]))
    blocks = [mvit.MSBlockConfig(k + 1, 16 << k, 32, *size) for k, size in enumerate(sizes)]
    options = {"rel_pos_embed": True, "proj_after_attn": True, "num_classes": 5}
    return mvit.MViT((32, 32), 4, blocks, residual_pool=True, residual_with_cls_embed=False, **options)


# All classifiers but regnet_y_128gf and vit_h_14, whose weights alone take 5 GB.
TORCHVISION = {
    **each(
        "alexnet convnext_tiny convnext_small convnext_base convnext_large densenet121 densenet161 "
        "densenet169 densenet201 efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 "
        "efficientnet_b4 efficientnet_b5 efficientnet_b6 efficientnet_b7 efficientnet_v2_s "
        "efficientnet_v2_m efficientnet_v2_l mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 "
        "mobilenet_v3_large mobilenet_v3_small regnet_x_400mf regnet_x_800mf regnet_x_1_6gf regnet_x_3_2gf "
        "regnet_x_8gf regnet_x_16gf regnet_x_32gf regnet_y_400mf regnet_y_800mf regnet_y_1_6gf "
        "regnet_y_3_2gf regnet_y_8gf regnet_y_16gf regnet_y_32gf resnet18 resnet34 resnet50 resnet101 "
        "resnet152 resnext50_32x4d resnext101_32x8d resnext101_64x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 "
        "shufflenet_v2_x1_5 shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_t swin_s swin_b swin_v2_t "
        "swin_v2_s swin_v2_b vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn wide_resnet50_2 "
        "wide_resnet101_2",
        lambda name: _torchvision(name, 3, 64, 64),
    ),
    "googlenet": _torchvision("googlenet", 3, 64, 64, init_weights=True),
    "inception_v3": _torchvision("inception_v3", 3, 128, 128, init_weights=True),
    "maxvit_t": _torchvision("maxvit_t", 3, 224, 224),
    "vit_b_16": _torchvision("vit_b_16", 3, 64, 64, image_size=64),
    "vit_b_32": _torchvision("vit_b_32", 3, 64, 64, image_size=64),
    "vit_l_16": _torchvision("vit_l_16", 3, 64, 64, image_size=64),
    "vit_l_32": _torchvision("vit_l_32", 3, 64, 64, image_size=64),
}
TORCHVISION_SEGMENTATION = each(
    "deeplabv3_mobilenet_v3_large deeplabv3_resnet50 deeplabv3_resnet101 fcn_resnet50 fcn_resnet101 "
    "lraspp_mobilenet_v3_large",
    _fully,
)
TORCHVISION_VIDEO = {
    "r3d_18": _torchvision("r3d_18", 3, 4, 32, 32),
    "mc3_18": _torchvision("mc3_18", 3, 4, 32, 32),
    "r2plus1d_18": _torchvision("r2plus1d_18", 3, 4, 32, 32),
    "s3d": _torchvision("s3d", 3, 16, 224, 224),
    "mvit, two blocks": Case(_mvit, (3, 4, 32, 32)),
    "swin3d_t": _torchvision("swin3d_t", 3, 4, 64, 64),
    "swin3d_s": _torchvision("swin3d_s", 3, 4, 64, 64),
    "swin3d_b": _torchvision("swin3d_b", 3, 4, 64, 64),
}


def _timm(name: str, side: int, **options: Any) -> Case:
    return Case(
        lambda: import_module("timm").create_model(name, pretrained=False, **options), (3, side, side)
    )


TIMM = {
    **each(
        "resnet18 resnet26 resnet50 resnet18d resnext50_32x4d seresnet18 skresnet18 ecaresnet26t "
        "legacy_seresnet18 resnest14d res2net50_26w_4s cspresnet50 cspdarknet53 darknet53 dla34 selecsls42 "
        "hrnet_w18_small densenet121 dpn68 dpn68b vgg16 vgg16_bn regnetx_002 regnety_002 repvgg_a0 "
        "mobileone_s0 gernet_s test_byobnet gcresnext26ts ese_vovnet19b_dw hgnetv2_b0 tresnet_m "
        "mobilenetv2_050 mobilenetv3_small_050 mnasnet_050 semnasnet_050 spnasnet_100 fbnetc_100 "
        "hardcorenas_a lcnet_050 tinynet_e mixnet_s rexnet_100 ghostnet_050 efficientnet_b0 "
        "efficientnet_lite0 tf_efficientnet_lite0 tf_efficientnet_b0 tf_efficientnetv2_b0 nf_resnet26 "
        "nf_regnet_b0 dm_nfnet_f0 xception41 legacy_xception convnext_atto convnextv2_atto "
        "edgenext_xx_small inception_next_atto convmixer_768_32 poolformer_s12 mobilevit_xxs "
        "mobilevitv2_050 repvit_m0_9 fastvit_t8 starnet_s1 mambaout_femto focalnet_tiny_srf pvt_v2_b0 "
        "davit_tiny",
        lambda name: _timm(name, 64),
    ),
    "inception_v3": _timm("inception_v3", 128),
    "inception_v4": _timm("inception_v4", 128),
    "inception_resnet_v2": _timm("inception_resnet_v2", 128),
    **each(
        "vit_tiny_patch16_224 deit_tiny_patch16_224 cait_xxs24_224 xcit_nano_12_p16_224 mixer_s32_224 "
        "resmlp_12_224 gmlp_ti16_224 levit_128s visformer_tiny pit_ti_224 coat_lite_tiny twins_svt_small",
        lambda name: _timm(name, 64, img_size=64),
    ),
    "swin_tiny_patch4_window7_224": _timm("swin_tiny_patch4_window7_224", 56, img_size=56),
    "eva02_tiny_patch14_224": _timm("eva02_tiny_patch14_224", 56, img_size=56),
    "efficientformer_l1": _timm("efficientformer_l1", 224),
    "crossvit_9_240": _timm("crossvit_9_240", 240),
}


def _segmenter(architecture: str, encoder: str = "resnet18", side: int = 64) -> Case:
    def build() -> nn.Module:
        package = import_module("segmentation_models_pytorch")
        return getattr(package, architecture)(encoder_name=encoder, encoder_weights=None, classes=3)

    return Case(build, (3, side, side))


SEGMENTATION_MODELS = {
    "Unet resnet18": _segmenter("Unet"),
    "Unet vgg11_bn": _segmenter("Unet", "vgg11_bn"),
    "Unet mobilenet_v2": _segmenter("Unet", "mobilenet_v2"),
    "Unet efficientnet-b0": _segmenter("Unet", "efficientnet-b0"),
    "Unet densenet121": _segmenter("Unet", "densenet121"),
    "Unet tu-resnet18": _segmenter("Unet", "tu-resnet18"),
    "UnetPlusPlus resnet18": _segmenter("UnetPlusPlus"),
    "MAnet resnet18": _segmenter("MAnet"),
    "Linknet resnet18": _segmenter("Linknet"),
    "FPN resnet18": _segmenter("FPN"),
    "PSPNet resnet18": _segmenter("PSPNet"),
    "PAN resnet18": _segmenter("PAN", side=128),
    "DeepLabV3 resnet18": _segmenter("DeepLabV3"),
    "DeepLabV3Plus resnet18": _segmenter("DeepLabV3Plus"),
    "UPerNet resnet18": _segmenter("UPerNet"),
    "Segformer resnet18": _segmenter("Segformer"),
    "Segformer mit_b0": _segmenter("Segformer", "mit_b0"),
}


def _monai(name: str, *shape: int, arguments: Sequence[Any] = (), **options: Any) -> Case:
    return Case(lambda: getattr(import_module("monai.networks.nets"), name)(*arguments, **options), shape)


PLAIN = {"act": "relu", "norm": "batch"}
HALVED = {"channels": (8, 16), "strides": (2, 2)}
FLAT = {"spatial_dims": 2, "in_channels": 1, "out_channels": 3}
DEEP = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3}
STEPS = {"channels": (8, 16, 32), "strides": (2, 2)}
MONAI = {
    "AHNet 2d": _monai("AHNet", 1, 128, 128, upsample_mode="transpose", **FLAT),
    "AttentionUnet 2d": _monai("AttentionUnet", 1, 32, 32, **FLAT, **STEPS),
    "AutoEncoder 2d": _monai("AutoEncoder", 1, 32, 32, **FLAT, **HALVED),
    "AutoEncoder 2d relu": _monai("AutoEncoder", 1, 32, 32, **FLAT, **HALVED, **PLAIN),
    "BasicUNet 2d": _monai("BasicUNet", 1, 32, 32, features=(8, 8, 16, 32, 64, 8), **FLAT),
    "BasicUNet 3d relu": _monai("BasicUNet", 1, 32, 32, 32, features=(8, 8, 16, 32, 64, 8), **DEEP, **PLAIN),
    "BasicUNetPlusPlus 2d": _monai("BasicUNetPlusPlus", 1, 32, 32, features=(8, 8, 16, 32, 64, 8), **FLAT),
    "Classifier 2d": _monai("Classifier", 1, 32, 32, in_shape=(1, 32, 32), classes=3, **STEPS),
    "Classifier 2d relu": _monai("Classifier", 1, 32, 32, in_shape=(1, 32, 32), classes=3, **STEPS, **PLAIN),
    "DenseNet121 2d": _monai("DenseNet121", 1, 64, 64, **FLAT),
    "DenseNet121 3d": _monai("DenseNet121", 1, 32, 32, 32, **DEEP),
    "DynUNet 2d": _monai(
        "DynUNet", 1, 32, 32, kernel_size=(3, 3, 3), strides=(1, 2, 2), upsample_kernel_size=(2, 2), **FLAT
    ),
    "EfficientNetBN b0": _monai(
        "EfficientNetBN",
        1,
        64,
        64,
        model_name="efficientnet-b0",
        pretrained=False,
        spatial_dims=2,
        in_channels=1,
        num_classes=3,
    ),
    "FlexibleUNet resnet18": _monai(
        "FlexibleUNet", 1, 64, 64, in_channels=1, out_channels=3, backbone="resnet18"
    ),
    "FullyConnectedNet relu": _monai("FullyConnectedNet", 16, arguments=(16, 3, (32, 32)), act="relu"),
    "HighResNet 3d": _monai("HighResNet", 1, 16, 16, 16, **DEEP),
    "HoVerNet": _monai("HoVerNet", 3, 256, 256, mode="FAST"),
    "MedNeXtS 2d": _monai("MedNeXtS", 1, 32, 32, **FLAT),
    "PatchDiscriminator 2d": _monai(
        "PatchDiscriminator", 1, 64, 64, spatial_dims=2, channels=8, in_channels=1
    ),
    "Quicknat": _monai("Quicknat", 1, 32, 32, num_classes=3, num_filters=8),
    "resnet10 3d": _monai("resnet10", 1, 32, 32, 32, spatial_dims=3, n_input_channels=1, num_classes=3),
    "resnet18 2d": _monai("resnet18", 1, 64, 64, spatial_dims=2, n_input_channels=1, num_classes=3),
    "SEResNet50 2d": _monai("SEResNet50", 1, 64, 64, spatial_dims=2, in_channels=1, num_classes=3),
    "SegResNet 2d": _monai("SegResNet", 1, 32, 32, **FLAT),
    "SegResNet 3d batch norm": _monai("SegResNet", 1, 16, 16, 16, norm="batch", **DEEP),
    "SegResNetDS 2d": _monai("SegResNetDS", 1, 32, 32, **FLAT),
    "SwinUNETR 2d": _monai("SwinUNETR", 1, 64, 64, feature_size=12, **FLAT),
    "UNETR 2d": _monai("UNETR", 1, 64, 64, in_channels=1, out_channels=3, img_size=64, spatial_dims=2),
    "UNet 2d": _monai("UNet", 1, 32, 32, **FLAT, **STEPS),
    "UNet 3d relu": _monai("UNet", 1, 16, 16, 16, num_res_units=1, **DEEP, **STEPS, **PLAIN),
    "VNet 3d": _monai("VNet", 1, 32, 32, 32, **DEEP),
    "ViT 2d": _monai(
        "ViT",
        1,
        32,
        32,
        in_channels=1,
        img_size=32,
        patch_size=8,
        hidden_size=48,
        mlp_dim=96,
        num_layers=2,
        num_heads=4,
        spatial_dims=2,
        classification=True,
        num_classes=3,
    ),
    "TorchVisionFCModel resnet18": _monai("TorchVisionFCModel", 3, 224, 224, num_classes=3),
}


def _xray(make: Callable[[Any], nn.Module], *shape: int, part: str = "models", wanted: str | int = 0) -> Case:
    return Case(lambda: make(import_module(f"torchxrayvision.{part}")), shape, wanted)


XRAY = {
    "DenseNet": _xray(lambda models: models.DenseNet(num_classes=18, in_channels=1), 1, 64, 64),
    "ResNetAE50": _xray(
        lambda parts: parts._ResNetAE(parts.Bottleneck, parts.DeconvBottleneck, [3, 4, 6, 3], 1),
        1,
        224,
        224,
        part="autoencoders",
        wanted="out",
    ),
    "chestx_det pspnet": _xray(
        lambda parts: parts.pspnet(14), 3, 128, 128, part="baseline_models.chestx_det.ptsemseg.pspnet"
    ),
    "chexpert DenseNet121": _xray(
        lambda parts: parts.Model(
            parts.models.densenet121, list(range(14)), model_uncertainty=False, use_gpu=False
        ),
        3,
        64,
        64,
        part="baseline_models.chexpert.model",
    ),
}


def _eeg(name: str, channels: int = 22, times: int = 1000, rate: float = 250, **options: Any) -> Case:
    def build() -> nn.Module:
        shape = {"n_chans": channels, "n_times": times, "sfreq": rate}
        return getattr(_braindecode(), name)(n_outputs=4, **shape, **options)

    return Case(build, (channels, times))


def _braindecode() -> Any:
    """Its models. It imports torchaudio, which wants torch's CUDA to be its own: no matter on the CPU."""
    cuda, torch.version.cuda = torch.version.cuda, None
    try:
        return import_module("braindecode.models")
    finally:
        torch.version.cuda = cuda


BRAINDECODE = {
    **each(
        "ShallowFBCSPNet Deep4Net EEGNet EEGConformer ATCNet EEGITNet EEGInceptionMI EEGInceptionERP EEGNeX "
        "EEGSimpleConv EEGTCNet TIDNet BDTCN HybridNet SPARCNet CTNet ContraWR FBCNet SincShallowNet "
        "TSception SCCNet MSVTNet IFNet AttentionBaseNet",
        lambda name: _eeg(name),
    ),
    "SleepStagerChambon2018": _eeg("SleepStagerChambon2018", 2, 3000, 100),
    "SleepStagerBlanco2020": _eeg("SleepStagerBlanco2020", 2, 3000, 100),
    "USleep": _eeg("USleep", 2, 3000, 100, depth=6),
    "DeepSleepNet": _eeg("DeepSleepNet", 1, 3000, 100),
}


class Collection(NamedTuple):
    """package: what is imported; cases: its table."""

    package: str
    cases: Mapping[str, Case]


COLLECTIONS = {
    "torchvision": Collection("torchvision", TORCHVISION),
    "torchvision segmentation": Collection("torchvision", TORCHVISION_SEGMENTATION),
    "torchvision video": Collection("torchvision", TORCHVISION_VIDEO),
    "timm": Collection("timm", TIMM),
    "segmentation-models": Collection("segmentation_models_pytorch", SEGMENTATION_MODELS),
    "monai": Collection("monai", MONAI),
    "torchxrayvision": Collection("torchxrayvision", XRAY),
    "braindecode": Collection("braindecode", BRAINDECODE),
}


# --- one network, in its own process


def examine(case: Case) -> dict[str, Any]:
    """The row of one network; {"unbuilt": why} where the collection gives no network that runs."""
    try:
        model, images = built(case)
    except Exception as error:
        return {"unbuilt": said(error)}
    begin = time.process_time()
    norms = sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    row: dict[str, Any] = {"wrapped": isinstance(model, Wanted), "batch_norms": norms}
    try:
        graph = trace(model, images)
    except Exception as error:
        row |= {"refused": said(error), "traceback": is_traceback(error)}
    else:
        row |= {"nodes": len(graph.nodes), "kinds": dict(Counter(node.kind for node in graph.nodes[1:]))}
        row["gradient"] = gradient_error(graph, model, images)
        row["lrp_z"] = z_error(graph, model, images)
        row |= {name: served(graph, method) for name, method in METHODS.items()}
    return row | {"seconds": round(time.process_time() - begin, 2)}


def built(case: Case) -> tuple[nn.Module, Tensor]:
    """The network, which gives one tensor for the images."""
    torch.manual_seed(SEED)
    model = case.make().eval().double()
    images = torch.randn(BATCH, *case.shape, dtype=torch.float64)
    settle(model, images)
    with torch.no_grad():
        output = model(images.clone())
    return (model if isinstance(output, Tensor) else Wanted(model, case.wanted).eval()), images


@torch.no_grad()
def settle(model: nn.Module, images: Tensor) -> None:
    """Batch norms get the mean and variance of what they read and a random scale and shift; layers that a
    collection starts with zeros, which would hide all below them, random weights.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d) and not layer.weight.any():
            nn.init.normal_(layer.weight, std=0.02)

    def learn(norm: nn.modules.batchnorm._BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].transpose(0, 1).flatten(1)
        if norm.running_mean is not None:
            norm.running_mean.copy_(x.mean(1))
            norm.running_var.copy_(x.var(1, correction=0).clamp(min=1e-2))
        if norm.weight is not None:
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)

    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    handles = [norm.register_forward_pre_hook(learn) for norm in norms]
    model(images.clone())
    for handle in handles:
        handle.remove()


def gradient_error(graph: Graph, model: nn.Module, images: Tensor) -> float | str:
    """‖ours − autograd's‖ / ‖autograd's‖ for random weights of all outputs; or what was said."""
    shape, generator = graph.node("logits").value.shape, torch.Generator().manual_seed(SEED)
    start = torch.randn(shape, dtype=torch.float64, generator=generator)
    return error_of(graph, methods.gradient, start, autograd(model, images, start))


def z_error(graph: Graph, model: nn.Module, images: Tensor) -> float | str:
    """LRP_z against autograd's gradient ⊙ input, which it is where nothing bends but ReLUs and maxima."""
    start = largest(graph)
    expected = autograd(model, images, start) * images
    return error_of(graph, methods.lrp_z, start * graph.node("logits").value, expected)


def autograd(model: nn.Module, images: Tensor, start: Tensor) -> Tensor:
    """The gradient through the model itself."""
    x = images.clone().requires_grad_()
    return torch.autograd.grad(model(x.clone()), x, start)[0]


def error_of(graph: Graph, method: Method, start: Tensor, expected: Tensor) -> float | str:
    """‖relevance − expected‖ / ‖expected‖ at the input; or what was said."""
    try:
        (found,) = relevance(graph, method, "logits", start[None], "input")
    except Exception as error:
        return said(error)
    return float((found - expected).norm() / expected.norm())


def largest(graph: Graph) -> Tensor:
    """1 at each image's largest output, 0 elsewhere."""
    logits = graph.node("logits").value
    value = logits.flatten(1)
    return torch.zeros_like(value).scatter(1, value.argmax(1, keepdim=True), 1).reshape(logits.shape)


def served(graph: Graph, method: Method) -> dict[str, Any]:
    """Relevance 1 at each image's largest output: what arrives, and what the books leave unexplained."""
    start = largest(graph)[None]
    try:
        arrives = relevance(graph, method, "logits", start, "input").flatten(2).sum(2).mean()
        entries = ledger(graph, method, "logits", start)
    except Exception as error:
        message = said(error)
        kinds = Counter(re.findall(r"\((\w+), ", str(error))) if "without:" in message else {}
        return {"without": dict(kinds), "said": message, "traceback": is_traceback(error)}
    accounts = [torch.stack((e.into, e.down, e.bias, e.epsilon, e.lost)).abs().max() for e in entries]
    rest = max(e.rest.abs().max() for e in entries) / max(accounts)
    return {"arrives": float(arrives), "rest": float(rest)}


def is_traceback(error: BaseException) -> bool:
    """Is it something else than a refusal, or than the limit of memory?"""
    return not isinstance(error, ValueError | MemoryError) and "can't allocate memory" not in str(error)


def said(error: BaseException) -> str:
    """A message in one line; the type first, unless it is the house's own."""
    text = " ".join(str(error).split())
    if "can't allocate memory" in text:
        return "out of memory"
    return (text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}")[:SAID]


def in_this_process(key: str, sender: Connection, seconds: float, gigabytes: float, threads: int) -> None:
    """Send the row of one network; what libraries print is dropped."""
    collection, name = key.split("/", 1)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + int(gigabytes * 1e9),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds),) * 2)
    torch.set_num_threads(threads)
    warnings.simplefilter("ignore")
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        row = examine(COLLECTIONS[collection].cases[name])
    sender.send(row)


# --- all of them


def in_its_own_process(context: BaseContext, key: str, limits: tuple[float, float, int]) -> dict[str, Any]:
    """The row of one network; {"crashed": how} where its process ended otherwise."""
    begin = time.perf_counter()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=in_this_process, args=(key, sender, *limits))
    process.start()
    sender.close()
    try:
        row = receiver.recv()
    except EOFError:
        process.join()
        row = {"crashed": HOW.get(process.exitcode, f"exit status {process.exitcode}")}
    process.join()
    return {"network": key, **row, "wall": round(time.perf_counter() - begin, 1)}


def verdict(row: Mapping[str, Any], method: str) -> str:
    """A cell: what a method does in a network that was read."""
    found = row.get(method)
    if found is None:
        return ""
    if "arrives" in found:
        open_books = "" if closed(row, method) else f" (open: {found['rest']:.0e})"
        return f"{found['arrives']:.2g}{open_books}"
    return ", ".join(f"{count} {kind}" for kind, count in found["without"].items()) or found["said"]


def closed(row: Mapping[str, Any], method: str) -> bool:
    """Is the network served, with books that close?"""
    return row.get(method, {}).get("rest", float("nan")) <= CLOSED


def right(row: Mapping[str, Any]) -> bool:
    """Is the gradient autograd's?"""
    return isinstance(row.get("gradient"), float) and row["gradient"] <= RIGHT


def tracebacks(row: Mapping[str, Any]) -> bool:
    """Did anything else than a ValueError come out?"""
    return (
        "crashed" in row
        or row.get("traceback", False)
        or any(row.get(method, {}).get("traceback", False) for method in METHODS)
    )


def summary(rows: Sequence[Mapping[str, Any]]) -> list[list[object]]:
    """A line per collection, and one of all."""
    groups = {name: [r for r in rows if r["network"].startswith(f"{name}/")] for name in COLLECTIONS}
    return [
        [
            name,
            len(some) - sum("unbuilt" in row for row in some),
            sum("nodes" in row for row in some),
            sum(map(right, some)),
            sum(isinstance(row.get("lrp_z"), float) and row["lrp_z"] <= RIGHT_Z for row in some),
            *(sum(closed(row, method) for row in some) for method in METHODS),
            sum("nodes" in r and r["batch_norms"] > 0 and "affine" in r["kinds"] for r in some),
            sum(map(tracebacks, some)),
        ]
        for name, some in [*groups.items(), ("all", rows)]
        if some
    ]


SUMMARY = (
    "collection",
    "networks",
    "read",
    "gradient right",
    "LRP_z right",
    *METHODS,
    "with affine nodes",
    "tracebacks",
)
HEADER = ("network", "nodes", "gradient's error", "LRP_z's error", *METHODS, "seconds", "what was said")


def line(row: Mapping[str, Any]) -> list[object]:
    """A row of the table of networks."""
    errors = [row.get("gradient", ""), row.get("lrp_z", "")]
    message = row.get("refused") or row.get("crashed") or row.get("unbuilt") or ""
    kind = next((word for word in ("crashed", "unbuilt") if word in row), "")
    if row.get("traceback"):
        kind = "traceback"
    return [
        row["network"],
        row.get("nodes", ""),
        *(f"{error:.0e}" if isinstance(error, float) else "" for error in errors),
        *(verdict(row, method) for method in METHODS),
        row.get("seconds", ""),
        f"{kind}: {message}" if kind else message,
    ]


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    cells = [
        [str(cell).replace("|", "\\|") for cell in row] for row in (header, ["---"] * len(header), *rows)
    ]
    return ["| " + " | ".join(row) + " |" for row in cells]


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """The summary and all rows, as Markdown."""
    packages = ("torch", *{collection.package for collection in COLLECTIONS.values()})
    lines = [
        "# Networks of public collections: what is read, whose gradient is right, what the methods serve",
        "",
        describe_machine(packages),
        "",
        *table(SUMMARY, summary(rows)),
        "",
        "Networks: those that the collection builds and that run. Gradient right: equal to "
        f"autograd's through the model itself within {RIGHT:g}. LRP_z right: gradient ⊙ input within "
        f"{RIGHT_Z:g}, which it is where nothing bends but ReLUs and maxima (not ReLU6). A method: the "
        f"networks it serves, with books that close within {CLOSED:g}. "
        "With affine nodes: read, but batch norms (or other constant factors) stay nodes of their own. "
        "Tracebacks: errors that are no ValueError.",
        "",
        *table(HEADER, map(line, rows)),
        "",
        f"Random weights, float64, {BATCH} images. A method's column: the sum of relevance that arrives at "
        "the input, of 1 at the largest output, or the kinds of nodes that it has no rule for.",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def chosen(only: str) -> list[str]:
    """The keys, "collection/name", that match; a collection that is not installed is said to be missing."""
    keys = []
    for name, collection in COLLECTIONS.items():
        some = [key for key in (f"{name}/{case}" for case in collection.cases) if re.search(only, key)]
        if some and find_spec(collection.package) is None:
            print(f"{name}: not installed, {len(some)} networks are left out", file=sys.stderr)
        else:
            keys += some
    if not keys:
        refuse("only", expected="a pattern that some network matches", got=repr(only), do="leave it out")
    return keys


def measured(path: Path) -> dict[str, dict[str, Any]]:
    """The rows that are there."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {row["network"]: row for row in map(json.loads, lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="a regular expression, found in collection/name")
    parser.add_argument("--rows", type=Path, default=Path("out/collections.jsonl"))
    parser.add_argument("--out", type=Path, default=RESULTS / "collections.md")
    parser.add_argument("--jobs", type=int, default=2, help="networks at a time")
    parser.add_argument("--seconds", type=float, default=240, help="limit of a network, of processor time")
    parser.add_argument("--gigabytes", type=float, default=9, help="limit, beyond the imports")
    options = parser.parse_args()
    keys, there = chosen(options.only), measured(options.rows)
    options.rows.parent.mkdir(parents=True, exist_ok=True)
    threads = max(1, (os.cpu_count() or 1) // options.jobs)
    limits = (options.seconds, options.gigabytes, threads)
    context = get_context("forkserver")  # imports once what all processes need
    context.set_forkserver_preload(["benchmarks.collections", *PRELOADED])
    with ThreadPoolExecutor(options.jobs) as pool, options.rows.open("a") as file:
        missing = [key for key in keys if key not in there]
        for done in as_completed(pool.submit(in_its_own_process, context, key, limits) for key in missing):
            row = done.result()
            there[row["network"]] = row
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(*line(row), sep="  ", flush=True)
    rows = [there[key] for key in keys]
    write(options.out, rows)
    print("\n".join(table(SUMMARY, summary(rows))))


if __name__ == "__main__":
    with one_line("collections"):
        main()
