"""The rules of the rooms, read from the source: imports run one way; a library, and the environment, has one door."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("infra", "actors", "tasks", "flows")
"""In the order of imports: a room may import from those before it, and from itself."""

SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
NUMERICS = {"numpy", "scipy", "sklearn", "pandas", "numba"}

DOORS = {
    "boto3": {"infra/storage.py"},
    "botocore": {"infra/storage.py"},
    "great_expectations": {"tasks/validate.py"},
    # The last two: a benchmark against Ray Data, and one that starts Ray nodes of its own.
    "ray": {
        *(
            "infra/cluster.py",
            "actors/answers.py",
            "actors/clerks.py",
            "actors/crew.py",
            "actors/pool.py",
            "actors/text_pool.py",
        ),
        *("tasks/bench/ray_data.py", "tasks/bench/nodes.py"),
    },
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports anywhere, save for type checkers only."""
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} imports relatively"
            yield node.module or ""


def _running(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        children: list[ast.AST] = list(node.orelse)
    else:
        yield node
        children = list(ast.iter_child_nodes(node))
    for child in children:
        yield from _running(child)


def libraries(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_room_imports_only_from_itself_and_the_rooms_below(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    above = set(ROOMS[ROOMS.index(room) + 1 :]) | {"tests", "datasets"}
    assert libraries(path) & above == set()


@pytest.mark.parametrize(("library", "doors"), DOORS.items(), ids=DOORS)
def test_a_library_is_imported_at_its_door_only(library: str, doors: set[str]) -> None:
    assert {name_of(path) for path in SOURCES if library in libraries(path)} <= doors


def test_the_environment_is_read_in_the_settings_only() -> None:
    reading = re.compile(r"\bos\.(environ|getenv|putenv)|from os import .*\b(environ|getenv)")
    readers = {name_of(path) for path in SOURCES if reading.search(path.read_text(encoding="utf-8"))}
    assert readers == {"infra/settings.py"}


@pytest.mark.parametrize("path", sorted((ROOT / "tasks/numerics").glob("*.py")), ids=name_of)
def test_numerics_import_numbers_only(path: Path) -> None:
    allowed = (set(sys.stdlib_module_names) - {"logging", "os", "io", "pathlib", "subprocess", "socket"}) | NUMERICS
    ours = {name for name in imports(path) if name.partition(".")[0] in ROOMS}
    assert libraries(path) - allowed <= set(ROOMS)
    assert {
        name for name in ours if not name.startswith(("tasks.numerics", "actors.contract", "infra.errors"))
    } == set()


def test_nothing_under_datasets_is_a_package() -> None:
    assert sorted(name_of(path) for path in (ROOT / "datasets").rglob("__init__.py")) == []
    assert sorted(name_of(path) for path in (ROOT / "datasets").glob("*.py")) == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_whoever_swallows_every_exception_says_why_on_the_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    handlers = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ExceptHandler)]
    swallowing = [node.lineno for node in handlers if _catches_all(node) and not _raises_again(node)]
    assert [f"{name_of(path)}:{number}" for number in swallowing if not _reason(lines[number - 1])] == []


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(re.search(r"\b(Base)?Exception\b", ast.unparse(handler.type)))


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _reason(line: str) -> str:
    """What the comment of a line says besides the code of a linter's rule."""
    return re.sub(r"(noqa:\s*[A-Z0-9, ]+)?[\s\-–—#]*", "", line.partition("#")[2].lstrip())


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_file_says_what_it_owns(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), f"{name_of(path)} has no docstring"
