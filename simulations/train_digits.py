"""Train the two small networks that torch_backend ships.

    python simulations/train_digits.py [--network digits-vgg|digits-resnet] [--out DIR] [--epochs N]

Real handwritten digits (scikit-learn), a fixed split, one seed; one to two minutes a network. Every layer
starts from He's normal initialisation. The VGG has no normalisation layer: a learning rate that rises before
it falls (one-cycle) is what lets its sixteen layers train. Training images are shifted by up to three pixels.
The shipped files were trained on one thread (OMP_NUM_THREADS=1); others round differently and end elsewhere.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

from rankone.errors import one_line, refuse
from torch_backend.inputs.digits_networks import DigitsResNet, DigitsVGG
from torch_backend.inputs.images import digits

NETWORKS = {"digits-vgg": DigitsVGG, "digits-resnet": DigitsResNet}
EPOCHS = {"digits-vgg": 40, "digits-resnet": 25}
SHIPPED = Path(__file__).parents[1] / "torch_backend" / "inputs" / "weights"
SEED = 0
BATCH = 64
PEAK_RATE = 2e-3
WEIGHT_DECAY = 1e-2
SHIFT = 3  # pixels


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image (B, C, H, W) moved by its own whole number of pixels, the border repeated."""
    batch, _, height, width = images.shape
    padded = nn.functional.pad(images, (SHIFT,) * 4, mode="replicate")
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, batch), generator=generator).tolist()
    return torch.stack(
        [p[:, i : i + height, j : j + width] for p, i, j in zip(padded, down, right, strict=True)]
    )


def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        return (network.eval()(images).argmax(1) == labels).float().mean().item()


def train(name: str, epochs: int, seed: int = SEED) -> nn.Module:
    """The named network after `epochs` passes over the training digits."""
    generator = torch.Generator().manual_seed(seed)
    images, labels = digits("train")
    network = NETWORKS[name]()
    initialise(network, generator)
    steps = epochs * (len(images) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps)
    progress = tqdm(range(epochs), desc=name, unit="epoch")
    for _ in progress:
        order = torch.randperm(len(images), generator=generator)
        for chosen in order[: len(order) // BATCH * BATCH].split(BATCH):
            network.train()
            loss = nn.functional.cross_entropy(network(shifted(images[chosen], generator)), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        progress.set_postfix(loss=f"{loss.item():.4f}")
    return network.eval()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=sorted(NETWORKS), help="default: both, one after the other")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder for NAME.safetensors")
    parser.add_argument("--epochs", type=int, help=f"default: {EPOCHS}")
    options = parser.parse_args(arguments)
    if options.epochs is not None and options.epochs < 1:
        refuse(
            "--epochs", expected="an integer >= 1", got=options.epochs, do="give 1 or more, or leave it out"
        )
    options.out.mkdir(parents=True, exist_ok=True)
    for name in [options.network] if options.network else NETWORKS:
        start = time.perf_counter()
        network = train(name, options.epochs or EPOCHS[name])
        path = options.out / f"{name}.safetensors"
        save_file(network.state_dict(), path)
        print(
            f"{name}: test accuracy {accuracy(network, *digits('test')):.2%}, "
            f"{path.stat().st_size / 1e6:.2f} MB, {time.perf_counter() - start:.0f} s -> {path}"
        )


if __name__ == "__main__":
    with one_line("train_digits"):
        main()
