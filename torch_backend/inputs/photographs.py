"""scikit-image's bundled photographs, as a network reads them."""

from pathlib import Path

from torch import Tensor

from rankone.errors import refuse
from torch_backend.inputs.files import from_files
from torch_backend.inputs.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing

# Colour photographs inside scikit-image's wheel; its other images would have to be downloaded.
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "ihc")
IMAGENET = Preprocessing(224, IMAGENET_MEAN, IMAGENET_STD, sample=lambda: photographs(IMAGENET))


def photographs(preprocessing: Preprocessing = IMAGENET) -> Tensor:
    """scikit-image's bundled colour photographs `PHOTOGRAPHS`, (6, 3, side, side), normalised."""
    try:
        from skimage import data
    except ImportError:
        do = "pip install scikit-image, or pass images of your own"
        refuse("images", expected="scikit-image's photographs", got="no such package", do=do)
    folder = Path(data.__file__).parent
    found = [path for path in sorted(folder.iterdir()) if path.stem in PHOTOGRAPHS]
    if len(found) != len(PHOTOGRAPHS):
        missing = ", ".join(sorted(set(PHOTOGRAPHS) - {path.stem for path in found}))
        refuse(
            "scikit-image",
            expected="its bundled photographs",
            got=f"a build without {missing}",
            do="reinstall scikit-image or pass images of your own",
        )
    return from_files(sorted(found, key=lambda path: PHOTOGRAPHS.index(path.stem)), preprocessing)
