"""The house is as its contents pages say: every room listed, every name found, imports down the levels."""

from pathlib import Path

import pytest

from tests.helpers import sources

TORCH_BACKEND = sources.ROOT / "torch_backend"
RANKONE = sources.ROOT / "rankone"
PACKAGES = [*sources.packages(TORCH_BACKEND), *sources.packages(RANKONE)]
# Who may import whom: a room imports those above it in this list, and itself.
LEVELS = (
    {"randomness", "memory"},
    {"inputs", "operators"},
    {"graph", "rules"},
    {"methods"},
    {"propagation"},
    {"convergence", "maps", "proof"},
    {"audit"},
    {"adapters"},
    {"commands"},
)
# The one that stands outside: its commands import every room when they run.
OUTSIDE = {"cli"}


def missing_from_the_contents(package: Path) -> set[str]:
    """Submodules and public names that the contents page does not list."""
    page = sources.contents(package)
    public = sources.submodules(package) | set(sources.exported(package))
    return {name for name in public if not sources.mentions(page, name)}


def names_with_two_meanings(package: Path) -> set[str]:
    """Public names that are not the submodule of that name: `import package.name as m` would give another."""
    return {
        name
        for name, module in sources.imported(package).items()
        if name in sources.submodules(package) and module.rpartition(".")[2] != package.name
    }


def imports_up(house: Path, levels=LEVELS) -> set[tuple[str, str]]:
    """(file, module) for every import that does not lead down."""
    level = {room: k for k, rooms in enumerate(levels) for room in rooms}
    found = set()
    for file in house.rglob("*.py"):
        here = file.relative_to(house).parts[0].removesuffix(".py")
        if here == "__init__":
            continue
        for module in sources.imports(file):
            top, _, rest = module.partition(".")
            room = rest.partition(".")[0]
            if top == house.name and room in level and room != here and level[room] >= level[here]:
                found.add((str(file.relative_to(house)), module))
    return found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: str(p.relative_to(sources.ROOT)))
def test_the_contents_page_lists_every_submodule_and_every_public_name(package: Path) -> None:
    assert missing_from_the_contents(package) == set()


@pytest.mark.parametrize("package", [*sources.packages(TORCH_BACKEND)], ids=lambda p: p.name)
def test_what_a_room_imports_for_others_is_public(package: Path) -> None:
    """`__all__` is what its `__init__` imports, no more and no less."""
    assert sorted(sources.exported(package)) == sorted(sources.imported(package))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: str(p.relative_to(sources.ROOT)))
def test_no_public_name_is_also_a_submodule(package: Path) -> None:
    assert names_with_two_meanings(package) == set()


def test_every_room_has_a_level() -> None:
    assert sources.submodules(TORCH_BACKEND) <= set().union(*LEVELS)


def test_imports_run_down_the_levels() -> None:
    assert imports_up(TORCH_BACKEND) == set()


def test_rankone_imports_neither_networks_nor_figures() -> None:
    for file in RANKONE.rglob("*.py"):
        if file.relative_to(RANKONE).parts[0] not in OUTSIDE:
            tops = {module.partition(".")[0] for module in sources.imports(file)}
            assert tops.isdisjoint({"torch_backend", "paper_figs", "torch", "matplotlib"}), file


def test_no_test_file_is_longer_than_400_lines() -> None:
    long = {f.name for f in (sources.ROOT / "tests").rglob("*.py") if len(f.read_text().splitlines()) > 400}
    assert long == set()


# ---------------------------------------------------------------- the guards can fail


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small house: a room `low`, a room `high` that uses it, all in order."""
    files = {
        "house/__init__.py": '"""Contents: low, high, tool."""\nfrom house.low.tools import tool\n'
        '__all__ = ["tool"]\n',
        "house/low/__init__.py": '"""Contents: tools."""\n',
        "house/low/tools.py": "def tool(): ...\n",
        "house/high/__init__.py": '"""Contents: use."""\n',
        "house/high/use.py": "from house.low.tools import tool\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "house"


ORDER = ({"low"}, {"high"})


def test_a_house_in_order_is_not_blamed(house: Path) -> None:
    for package in sources.packages(house):
        assert missing_from_the_contents(package) == names_with_two_meanings(package) == set()
    assert imports_up(house, ORDER) == set()


def test_a_module_or_a_name_that_is_not_listed_is_noticed(house: Path) -> None:
    (house / "low/more.py").write_text("")
    assert missing_from_the_contents(house / "low") == {"more"}
    (house / "__init__.py").write_text('"""Contents: low, high, tools, my.tool."""\n__all__ = ["tool"]\n')
    assert missing_from_the_contents(house) == {"tool"}


def test_a_name_that_hides_a_submodule_is_noticed(house: Path) -> None:
    """Whether it comes from there or from elsewhere; the submodule itself may be public."""
    (house / "low/__init__.py").write_text("from low.tools import tools\n")
    assert names_with_two_meanings(house / "low") == {"tools"}
    (house / "__init__.py").write_text("from house import low\n")
    assert names_with_two_meanings(house) == set()
    (house / "__init__.py").write_text("from house.high.use import low\n")
    assert names_with_two_meanings(house) == {"low"}


UP = (
    "import house.high.use",
    "from house.high import use",
    "from house import high",
    "if x:\n  import house.high",
)


@pytest.mark.parametrize("line", UP)
def test_an_import_that_leads_up_is_noticed(house: Path, line: str) -> None:
    (house / "low/tools.py").write_text(f"x = 1\n{line}\n")
    assert {file for file, _ in imports_up(house, ORDER)} == {"low/tools.py"}
