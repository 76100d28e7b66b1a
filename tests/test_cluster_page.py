"""docs/cluster.md: its scripts and its Python run; programs in the place of Slurm's run the jobs here."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from rankone.scale import shard_named
from tests.helpers import pages, sources
from tests.helpers.toy_tasks import PATIENCE, contents
from torch_backend.inputs import images

FILE = sources.ROOT / "docs" / "cluster.md"
PAGE = FILE.read_text(encoding="utf-8")
BLOCKS = pages.blocks(FILE)
FILES = {block.title: block.text for block in BLOCKS if block.title}
(SHELL,) = (block.text for block in BLOCKS if block.language == "sh" and not block.title)
IMAGES, NODES = 2, 2
JUDGED = (0, 1, 3)  # the exit statuses of an audit that came to its end

PROGRAMS = {
    "rankone": f"#!{sys.executable}\nfrom rankone.cli import main\nmain()\n",
    "sbatch": """#!/bin/bash
[ -n "$ARRAY" ] || { cp $1 job-$$.sh; bash job-$$.sh > /dev/null 2>&1 & echo "Submitted batch job $!"; exit; }
export SLURM_ARRAY_TASK_COUNT=$ARRAY SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=$((ARRAY - 1))
for k in $(seq 0 $((ARRAY - 1))); do SLURM_ARRAY_TASK_ID=$k bash $1 || exit; done
""",
    "scancel": "#!/bin/bash\nkill $1\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the page's files, of a small network; on the path `rankone` and Slurm's programs."""
    (tmp_path / "bin").mkdir()
    for name, text in PROGRAMS.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    for name, text in FILES.items():
        small = text.replace("jobs=200", f"jobs={NODES}")
        for said in ("audit --model MODEL", '"audit", "--model", "MODEL"'):
            small = small.replace(said.replace("MODEL", "mri-vgg16"), said.replace("MODEL", "digits-vgg"))
        (tmp_path / name).write_text(small)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(sources.ROOT))
    return tmp_path


def run(*words: object, fine: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode in fine, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The units of the page's audit of a small network, made by one process; and the images it is of."""
    folder = tmp_path_factory.mktemp("here")
    sample = images.read("sample", images.preprocessing("digits-vgg"), IMAGES)
    np.save(folder / "images.npy", sample.numpy())
    environment = {**os.environ, "PYTHONPATH": str(sources.ROOT), "OMP_NUM_THREADS": "1"}
    words = [
        "--model",
        "digits-vgg",
        "--images",
        "images.npy",
        "--limit",
        "50000",
        "--methods",
        "gradient,z_plus",
    ]
    code = "import sys; from rankone.cli import main; sys.argv[0] = 'rankone'; main()"
    command = [sys.executable, "-c", code, "audit", *words, "--methods", "gradient,z_plus", "--out", "out"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode in JUDGED, done.stderr
    return folder


def test_its_job_array_and_its_merge_are_the_whole_run(folder, here, monkeypatch):
    shutil.copy(here / "images.npy", folder)
    monkeypatch.setenv("ARRAY", str(NODES))
    submit, merge = SHELL.splitlines()
    run("bash", "-c", submit)
    assert len(list((folder / "out" / "shards").iterdir())) == NODES
    monkeypatch.delenv("ARRAY")
    whole = contents(here / "out")
    said = run("bash", "-c", merge, fine=JUDGED)
    assert f"{len(whole)} of {len(whole)} tasks are there: {len(whole)} units copied" in said
    assert contents(folder / "out" / "audit") == whole
    assert (folder / "out" / "audit" / "report.html").exists()


def test_its_array_is_one_that_auto_reads():
    (last,) = re.findall(r"--array=0-(\d+)\n", FILES["audit.sh"])
    names = {"COUNT": str(int(last) + 1), "MIN": "0", "MAX": last, "STEP": "1"}
    common = {f"SLURM_ARRAY_TASK_{name}": value for name, value in names.items()}
    shards = [shard_named("auto", {**common, "SLURM_ARRAY_TASK_ID": str(k)}) for k in range(int(last) + 1)]
    assert sorted(k for shard in shards for k in shard.of(1000)) == list(range(1000))
    sixth = shard_named("auto", {**common, "SLURM_ARRAY_TASK_ID": "5"})
    assert f"(`--array=5`) is refused, as Slurm does not say what it was one of; `--shard {sixth}`" in PAGE


def test_its_cluster_carries_the_run_out(folder, here):
    """A real SLURMCluster: its job scripts are submitted, and run here."""
    shutil.copy(here / "images.npy", folder)
    run(sys.executable, "cluster.py")
    assert contents(folder / "out" / "audit") == contents(here / "out")
    scripts = [path.read_text() for path in folder.glob("job-*.sh")]
    assert len(scripts) >= NODES
    for script in scripts:
        assert "--nthreads 1 --memory-limit 7.45GiB" in script
        assert (
            "export OMP_NUM_THREADS=1\n" in script
            and "MEMORY__PAUSE=False\n" in script
            and "TERMINATE=False\n" in script
        )
        assert "--lifetime 225m" in script and "#SBATCH --cpus-per-task=1\n" in script


def test_its_images_are_what_the_network_reads_of_the_pictures(folder):
    (folder / "photos").mkdir()
    draw = np.random.default_rng(0)
    for k in range(3):
        pixels = draw.integers(0, 256, (224, 224, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{k}.png")
    run(sys.executable, "images.py")
    wanted = images.read(folder / "photos", images.preprocessing("mri-vgg16"), 3)
    assert np.array_equal(np.load(folder / "images.npy"), wanted.numpy())


def test_its_tasks_of_your_own_run(folder):
    np.save(folder / "images.npy", np.ones((20, 3, 4, 4), np.float32))
    assert run(sys.executable, "run.py") == "20 tasks, 0 failed\n"
    assert len(contents(folder / "out" / "means")) == 20


def table(name: str) -> list[list[str]]:
    """The rows of a benchmark's result."""
    text = (sources.ROOT / "benchmarks" / "results" / f"{name}.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return rows[2:]


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def test_its_numbers_are_those_of_the_benchmarks():
    for network, method, count, *seconds, _, memory, disk in table("scale"):
        assert count != "4" or row([network, method, *seconds, memory, disk]) in PAGE
    for tasks, ahead, scheduler, _, most, _, _, memory in table("scheduler_load"):
        assert row([tasks, ahead, scheduler, most, memory]) in PAGE


def test_its_arithmetic_is_right():
    low = high = 0.0
    for method in ("gradient", "z_plus"):
        (cells,) = [c for c in table("scale") if c[:3] == ["mri-vgg16", method, "4"]]
        maps, classes, stage = map(float, cells[3:6])
        kept = 2 * maps + classes + 5 * stage
        anew = kept + 6 * maps
        assert f"2 × {maps:.2f} + {classes:.2f} + 5 × {stage:.2f} = {kept:.1f} s" in PAGE
        assert f"{kept:.1f} + 6 × {maps:.2f} = {anew:.1f} s" in PAGE
        hours = [50_000 * round(seconds, 1) / 3600 for seconds in (kept, anew)]
        assert f"{hours[0]:.0f} to {hours[1]:.0f} CPU hours" in PAGE
        low, high = low + hours[0], high + hours[1]
    assert (
        f"Together {low:.0f} to {high:.0f} CPU hours: {low / 128:.1f} to {high / 128:.1f} hours on 128"
        in PAGE
    )
    assert f"{low / 200:.1f} to {high / 200:.1f} on 200" in PAGE


def test_readme_names_the_page():
    assert "docs/cluster.md" in (sources.ROOT / "README.md").read_text(encoding="utf-8")
