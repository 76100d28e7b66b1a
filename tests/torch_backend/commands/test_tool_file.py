"""`--attribute FILE.py:NAME`: which network it goes with, what it hides, and what is refused."""

import pytest
import torch

from rankone.errors import Refusal
from tests.helpers import sources
from torch_backend import methods, models, saliency, trace
from torch_backend.audit import of
from torch_backend.audit.hidden import magnitudes
from torch_backend.commands.tool_file import read
from torch_backend.inputs import images
from torch_backend.maps.saliency import maps_of, sum_of_magnitudes

EXAMPLES = sources.ROOT / "examples"

MADE = """
from torch_backend.audit.hidden import magnitudes
from torch import nn

hides = magnitudes
model = nn.Sequential(nn.Flatten(), nn.Linear(300, 4)).eval()

def attribute(model):
    import beside
    def of(x, classes):
        import later
        return later.maps(model, x, classes).abs()
    return of

def inside(x, classes):
    return (x * model[1].weight[classes].view_as(x)).sum(1).abs()
"""
LATER = """
def maps(model, x, classes):
    return (x * model[1].weight[classes].view_as(x)).sum(1).detach()
"""


@pytest.fixture
def write(tmp_path):
    """A file of that content, with neighbours, by its path."""

    def file(content: str, name: str = "mine.py") -> str:
        (tmp_path / "beside.py").write_text("")
        (tmp_path / "later.py").write_text(LATER)
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    return file


def test_a_function_of_the_model_goes_with_the_named_one_or_with_the_file_s(write) -> None:
    text = f"{write(MADE)}:attribute"
    assert read(text, "digits-vgg").model is None and read(text).model is not None
    assert read(text).subject.name == text and read(text).subject.hides == (magnitudes,)


def test_a_function_of_images_and_classes_goes_with_the_model_of_its_file(write) -> None:
    """The very object: what is written into it the function sees."""
    found = read(f"{write(MADE)}:inside")
    x = torch.randn(2, 3, 10, 10)
    graph, classes = trace(found.model, x), torch.tensor([0, 3])
    before = maps_of(graph, found.subject.of(graph), classes)
    with torch.no_grad():
        found.model[1].weight.mul_(2)
    torch.testing.assert_close(maps_of(graph, found.subject.of(graph), classes), 2 * before)


@pytest.mark.parametrize("name", ["attribute", "inside"])
def test_a_file_s_neighbours_are_found_when_its_functions_run(write, name) -> None:
    found = read(f"{write(MADE)}:{name}")
    x, classes = torch.randn(2, 3, 10, 10), torch.tensor([1, 2])
    graph = trace(found.model, x)
    expected = (x * found.model[1].weight[classes].view_as(x)).sum(1).abs()
    torch.testing.assert_close(maps_of(graph, found.subject.of(graph), classes)[:, 0], expected)


def test_a_tool_that_an_adapter_made_is_read(write) -> None:
    tool = "from torch_backend.adapters import zennit\nattribute = zennit.tool(None)\n"
    found = read(f"{write(tool)}:attribute", "digits-vgg")
    assert found.subject.name.endswith("mine.py:attribute") and found.model is None


def test_another_file_of_the_same_name_is_another_subject(write) -> None:
    first = read(f"{write(MADE)}:attribute").subject.key
    assert read(f"{write(MADE)}:attribute").subject.key == first
    assert read(f"{write(MADE + '# changed')}:attribute").subject.key != first


MODEL = "from torch import nn\nmodel = nn.Linear(3, 4).eval()\n"
HIDES = "from torch_backend.audit.hidden import magnitudes\nhides = (magnitudes,)\n"
TOOL = "from torch_backend.audit import Tool\nattribute = Tool('t', lambda model: None)\n"
REFUSED = {
    "a network": (
        "def attribute(model): ...",
        None,
        "expected a network, got none beside .*--model$",
    ),
    "inside": ("def attribute(x, c): ...", None, "to be model in .*, got none; call it model, or write"),
    "inside, named": ("def attribute(x, c): ...", "digits-vgg", "to be model in"),
    "no network": ("model = 3\ndef attribute(x, c): ...", None, "got int;"),
    "two networks": (
        MODEL + "def attribute(x, c): ...",
        "digits-vgg",
        "^model: expected .*digits-vgg",
    ),
    "three arguments": (MODEL + "def attribute(a, b, c): ...", None, "got a function of 3 arguments"),
    "no function": ("attribute = 3", None, "got int"),
    "a network for a tool": (MODEL + "attribute = model", None, "got Linear"),
    "hides a word": ("hides = 'abs'\ndef attribute(model): ...", "m", "^hides: expected what is hidden"),
    "hides twice": (HIDES + TOOL, "digits-vgg", "^hides: expected none beside a Tool's own"),
    "reads a number": ("reads = 3\ndef attribute(model): ...", "digits-vgg", "^reads: expected the name"),
    "nothing there": ("", None, "^attribute: expected .* to define attribute"),
    "raises": ("1 / 0", None, "ZeroDivisionError"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_tool_is_refused_in_one_line(write, case) -> None:
    content, model, said = REFUSED[case]
    with pytest.raises(Refusal, match=said) as refusal:
        read(f"{write(content)}:attribute", model)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="attribute: no file"):
        read(f"{tmp_path}/none.py:attribute")


def test_a_file_without_a_name_is_told_how_to_say_it(write) -> None:
    with pytest.raises(Refusal, match=r"attribute: expected FILE\.py:NAME, got '.*\.py'"):
        read(str(write(MADE)))


# ---------------------------------------------------------------- the examples


def test_the_example_with_captum_works_as_written() -> None:
    found = read(f"{EXAMPLES}/my_tool.py:attribute", "digits-vgg")
    model = models.load("digits-vgg")
    x = images.read("sample", images.preprocessing("digits-vgg"), 2, torch.float32)
    graph = trace(model, x)
    classes = torch.tensor([3, 4])
    expected = sum_of_magnitudes(saliency(model, x, methods.gradient, classes))
    maps = maps_of(graph, found.subject.of(graph), classes)[:, 0]
    torch.testing.assert_close(maps, expected, rtol=1e-4, atol=1e-5)
    assert found.subject.hides == (magnitudes,)


def test_the_example_with_a_network_of_its_own_works_as_written() -> None:
    found = read(f"{EXAMPLES}/my_network_and_tool.py:attribute")
    x = images.read("sample", images.preprocessing(found.reads), 1, torch.float32)
    assert x.shape == (1, 3, 32, 32)
    graph = trace(found.model, x)
    classes = torch.tensor([3])
    expected = saliency(found.model, x, methods.gradient_times_input, classes).sum(1)
    maps = maps_of(graph, found.subject.of(graph), classes)[:, 0]
    torch.testing.assert_close(maps, expected, rtol=1e-4, atol=1e-4)


def test_the_lines_of_the_contents_page_of_the_audit_work() -> None:
    import captum.attr

    model = models.load("digits-vgg")
    x = images.read("sample", images.preprocessing("digits-vgg"), 1, torch.float32)
    made = captum.attr.Saliency(model)
    found = of(
        lambda x, c: made.attribute(x.requires_grad_(), target=c), model, x, hides=(magnitudes,), classes=1
    )
    assert found.logit.shape[:2] == (1, 1)
