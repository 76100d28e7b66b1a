"""Photographs that come with installed packages, as a network reads them."""

from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from rankone.errors import refuse
from torch_backend.inputs.files import from_files
from torch_backend.inputs.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing

# Colour photographs inside scikit-image's wheel; its other images would have to be downloaded.
SCIKIT_IMAGE = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "ihc")
# Those of other packages, where they are installed: package -> folder, names.
FURTHER = {
    "sklearn": ("datasets/images", ("china", "flower")),
    "matplotlib": ("mpl-data/sample_data", ("grace_hopper",)),
}
PHOTOGRAPHS = (*SCIKIT_IMAGE, *(name for _, names in FURTHER.values() for name in names))
IMAGENET = Preprocessing(224, IMAGENET_MEAN, IMAGENET_STD, sample=lambda: photographs(IMAGENET))


def photographs(preprocessing: Preprocessing = IMAGENET) -> Tensor:
    """The colour photographs `PHOTOGRAPHS`, (9, 3, side, side), normalised: six of scikit-image, then two of
    scikit-learn and one of matplotlib; without those of a package that is not installed or has them no more.

    Raises ValueError where scikit-image's are not there.
    """
    try:
        from skimage import data
    except ImportError:
        do = "pip install scikit-image, or pass images of your own"
        refuse("images", expected="scikit-image's photographs", got="no such package", do=do)
    found = _named(Path(data.__file__).parent, SCIKIT_IMAGE)
    if len(found) != len(SCIKIT_IMAGE):
        missing = ", ".join(sorted(set(SCIKIT_IMAGE) - {path.stem for path in found}))
        refuse(
            "scikit-image",
            expected="its bundled photographs",
            got=f"a build without {missing}",
            do="reinstall scikit-image or pass images of your own",
        )
    return from_files([*found, *_further()], preprocessing)


def _further() -> list[Path]:
    folders = {package: find_spec(package) for package in FURTHER}
    return [
        path
        for package, spec in folders.items()
        if spec is not None and spec.origin is not None
        for path in _named(Path(spec.origin).parent / FURTHER[package][0], FURTHER[package][1])
    ]


def _named(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """The files of these names, whatever their suffixes, in the order of the names."""
    there = {path.stem: path for path in folder.iterdir()} if folder.is_dir() else {}
    return [there[name] for name in names if name in there]
