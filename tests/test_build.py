"""BUILD's recipe of a task is all that a task takes, and the map of rooms is true."""

import ast
import pathlib
import re
import shutil

from processes import ROOT, run_copy

import seqjax

BUILD = (ROOT / "BUILD.md").read_text()


def recipe():
    """The files of the task in BUILD's recipe: path to content."""
    text = BUILD[BUILD.index("## Add a task") :]
    pattern = r"`(experiments/\w+/\w+\.py)`[^`]*?```python\n(.*?)```"
    return dict(re.findall(pattern, text, re.S))


def test_a_task_by_the_recipe_touches_one_folder_and_runs(tmp_path):
    for folder in ("experiments", "seqjax"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    files = recipe()
    assert {pathlib.Path(path).parent.name for path in files} == {"parity"}
    (tmp_path / "experiments" / "parity").mkdir()
    (tmp_path / "experiments" / "parity" / "__init__.py").touch()
    for path, content in files.items():
        (tmp_path / path).write_text(content)
    flags = ["--steps=120", "--workdir=run", "--learning_rate=0.02", "--seed=1"]
    code, out, err = run_copy(tmp_path, "experiments.parity", *flags)
    assert code == 0, err
    parity = seqjax.load(tmp_path / "run")
    assert sum(parity.classify("0110").values()) > 0.999
    code, out, err = run_copy(tmp_path, "experiments")
    assert code == 0 and "parity: Is the number of ones even?" in out, err


def test_every_room_of_the_map_is_there():
    where = BUILD[BUILD.index("## Where things are") : BUILD.index("## What the tests")]
    rows = [line for line in where.splitlines() if line.startswith("| ")]
    assert len(rows) < 24, "one screen"
    for path in re.findall(r"`((?:seqjax|experiments)/[\w/.]+)`", where):
        path = path.replace("NAME.py", "lstm.py").replace("TASK", "names")
        assert (ROOT / path).exists(), path


PARSED = {
    path: ast.parse(path.read_text("utf-8"))
    for folder in ("seqjax", "experiments")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def name_of(path):
    """The dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path) for path in PARSED}


def imports(path):
    """The project's modules that a file imports when it is imported."""
    found = set()
    for node in ast.iter_child_nodes(PARSED[path]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & MODULES) or {node.module}
    return found & MODULES


def test_a_task_imports_another_by_its_data_or_model_alone():
    rooms = {"shared", "speed", "sweep"}
    for path in PARSED:
        room = path.relative_to(ROOT).parts[:2]
        for name in imports(path) if room[0] == "experiments" else ():
            other = name.split(".")
            task = other[0] == "experiments" and len(other) > 2
            if task and other[1] not in {*rooms, *room}:
                assert other[2:] in (["data"], ["model"]), f"{path} imports {name}"


def test_no_module_imports_itself_by_way_of_others():
    graph = {name_of(path): imports(path) for path in PARSED}
    packages = {name_of(path) for path in PARSED if path.stem == "__init__"}
    order, done = [], set()

    def visit(name, above):
        assert name not in above, f"a circle: {' → '.join([*above, name])}"
        if name in done:
            return
        for other in graph[name] - packages:
            visit(other, [*above, name])
        done.add(name)
        order.append(name)

    for name in sorted(graph):
        visit(name, [])
    assert set(order) == set(graph)


def test_scripts_and_functions_are_short():
    for path, tree in PARSED.items():
        lines = len(path.read_text("utf-8").splitlines())
        assert lines <= (200 if path.stem == "__main__" else 275), path
        if "experiments" in path.parts:
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef):
                    assert node.end_lineno - node.lineno < 44, f"{path}: {node.name}"


def test_a_process_of_several_runs_whole_groups(request):
    """An xdist that is not told the groups makes each process train everything."""
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@test_build")
