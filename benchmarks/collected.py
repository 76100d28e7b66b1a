"""The networks of public collections that benchmarks.coverage reads, by name: how each is built."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


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
