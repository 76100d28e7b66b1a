"""docs/adding.md, followed: its rule is its formula, its patch makes a node kind, its places exist."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers import nets, pages, sources
from torch_backend import relevance, trace

FILE = sources.ROOT / "docs" / "adding.md"
PAGE = FILE.read_text(encoding="utf-8")
BLOCKS = pages.blocks(FILE)
(PATCH,) = (block.text for block in BLOCKS if block.language == "diff")
(CHECK,) = (block.text for block in BLOCKS if block.language == "python" and block.mark == "run by")
PYTHON = [block.text for block in BLOCKS if block.language == "python" and not (block.mark or block.title)]
MOST_FILES, MOST_PLACES = 4, 6  # for a node kind


@pytest.fixture(scope="module")
def defined() -> dict:
    """What the page's Python blocks define, one after the other."""
    names: dict = {}
    for block in PYTHON:
        exec(compile(block, "docs/adding.md", "exec"), names)
    return names


def test_the_rule_is_its_formula(defined) -> None:
    """R_i = Σ_j R_j / n_j, in a dense layer and, counting the inputs of each window, in a convolution."""
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    for name in ("fc1.pre", "conv1_2.pre"):
        node = graph.node(name)
        r = torch.randn(2, *node.value.shape, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(1))
        down = defined["flat"](node.op, graph.x(node), node.value)(r)
        ones = node.op.map(torch.ones_like)
        inputs_of_each = ones.apply(torch.ones_like(graph.x(node)))
        np.testing.assert_allclose(down, ones.adjoint(r / inputs_of_each), rtol=1e-12)
        np.testing.assert_allclose(down.flatten(2).sum(2), r.flatten(2).sum(2), rtol=1e-9)


def test_the_rule_is_three_lines(defined) -> None:
    body = [line for line in PYTHON[0].splitlines() if line.startswith("    ")]
    assert len(body) - 1 <= 3, "its docstring, and at most three lines"


def test_the_method_runs(defined) -> None:
    model = nets.build(nets.Chain, bias=False)
    graph = trace(model, nets.images_for(model).abs())
    start = graph.node("fc1").value.sign()[None]
    down = relevance(graph, defined["lrp_flat"], "fc1", start, "input")
    np.testing.assert_allclose(down.flatten(2).sum(2), start.sum(2), rtol=1e-9)


def patched(folder: Path, patch: str) -> subprocess.CompletedProcess:
    """The sources in `folder` with the patch applied."""
    for package in ("torch_backend", "rankone"):
        ignored = shutil.ignore_patterns("__pycache__", "*.safetensors")
        shutil.copytree(sources.ROOT / package, folder / package, ignore=ignored)
    outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = ["git", "apply", "-C1", "-"]
    return subprocess.run(command, input=patch, cwd=folder, env=outside, capture_output=True, text=True)


def run(folder: Path, code: str) -> subprocess.CompletedProcess:
    there = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env=there, capture_output=True, text=True)


def test_the_patch_makes_a_node_kind(tmp_path) -> None:
    done = patched(tmp_path, PATCH)
    assert done.returncode == 0, done.stderr
    done = run(tmp_path, CHECK)
    assert done.returncode == 0, done.stderr


def test_without_the_patch_the_check_fails(tmp_path) -> None:
    assert patched(tmp_path, "").returncode != 0, "git refuses an empty patch"
    assert "AssertionError" in run(tmp_path, CHECK).stderr


def test_a_node_kind_takes_few_files_and_places() -> None:
    files = re.findall(r"^\+\+\+ b/(.*)$", PATCH, re.MULTILINE)
    places = re.findall(r"^@@", PATCH, re.MULTILINE)
    row = re.search(r"^\| a node kind \| (\d+) \| (\d+) \|", PAGE, re.MULTILINE)
    assert (len(files), len(places)) == tuple(map(int, row.groups()))
    assert len(files) <= MOST_FILES and len(places) <= MOST_PLACES
