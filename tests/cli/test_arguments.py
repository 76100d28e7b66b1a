"""What a command was asked is checked before it works: wrong words, places that cannot be written."""

from pathlib import Path
from unittest import mock

import pytest

from rankone import cli
from tests.helpers.command import rankone, refused

DIGITS = ("--model", "digits-vgg", "--limit", 1)
COMMANDS = {
    "csc": ("csc", *DIGITS),
    "cone": ("cone", *DIGITS),
    "relevance": ("relevance", *DIGITS, "--method", "z_plus"),
    "patterns": ("patterns", *DIGITS),
    "certify": ("certify", "factors.npz"),
}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nope",), "rankone --help lists, got No such command 'nope'"),
        (("csc",), "rankone csc --help lists, got Missing option '--model'"),
        (
            (*COMMANDS["csc"], "--vectors", "1e6"),
            "rankone csc --help lists, got Invalid value for '--vec",
        ),
        ((*COMMANDS["csc"], "--seed", "2**64"), "rankone csc --help lists, got Invalid value for '--seed'"),
        (("relevance", "--modell", "x"), "rankone relevance --help lists, got No such option: --modell"),
    ],
)
def test_wrong_words_are_one_line(words, said):
    line = refused(rankone(*words))
    assert line.startswith(f"rankone: arguments: expected what {said}")
    assert line.endswith("; correct the command\n")


def test_no_words_and_help_are_answered():
    assert rankone().status == rankone("--help").status == rankone("csc", "--help").status == 0
    assert "relevance" in rankone().out


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(command, tmp_path):
    (tmp_path / "file").write_text("in the way")
    work = mock.Mock(side_effect=AssertionError("too late"))
    with (
        mock.patch("rankone.cli.networks.opened", work),
        mock.patch("rankone.proof.certificate.read_factors", work),
    ):
        for out in (tmp_path / "file" / "deeper", "/proc/nowhere"):
            assert "expected a place for a file" in refused(rankone(*COMMANDS[command], "--out", out))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("command", "file"), [("csc", "csc_theory.csv"), ("cone", "cone.png")])
def test_a_folder_in_the_place_of_a_file_is_noticed(command, file, tmp_path):
    (tmp_path / file).mkdir()
    assert f"{Path(tmp_path / file)}: expected a place" in refused(
        rankone(*COMMANDS[command], "--out", tmp_path)
    )


def test_memory_that_torch_cannot_get_is_one_line():
    error = RuntimeError("[enforce fail at alloc_cpu.cpp:125] can't allocate memory: 9 bytes\nframe #0")
    with mock.patch.object(cli, "app", side_effect=error):
        assert "memory: expected room for all numbers, got [enforce" in refused(rankone("version"))
    with (
        mock.patch.object(cli, "app", side_effect=RuntimeError("another")),
        pytest.raises(RuntimeError, match="another"),
    ):
        rankone("version")
