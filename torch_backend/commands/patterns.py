"""What `rankone patterns` runs: estimate the patterns of a network, write the file, say what it holds."""

from pathlib import Path

from torch import Tensor, nn
from tqdm import tqdm

from torch_backend.graph.graph import trace
from torch_backend.methods import Patterns, estimate_patterns

BATCH = 16  # images at a time


def measure(network: nn.Module, images: Tensor, regime: str) -> Patterns:
    """`estimate_patterns` from images (B, *input shape), with a progress bar on stderr."""
    batches = images.split(BATCH)
    graph = trace(network, batches[0])
    return estimate_patterns(graph, tqdm(batches, desc="patterns", leave=False, disable=None), regime)


def write(file: Path, patterns: Patterns) -> Path:
    """Write the file that pattern_net:FILE and pattern_attribution:FILE take; returns its path."""
    patterns.save(file)
    return file


def summary(label: str, file: Path, patterns: Patterns) -> str:
    """Where the patterns are, and of what."""
    return f"{file}: {len(patterns.by_node)} layers of {label}, regime {patterns.regime}"
