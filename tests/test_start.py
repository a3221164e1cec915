"""What a run does not need before its first step is not imported before it."""

import ast
import importlib
import os
import pkgutil
import sys

import pytest
from processes import ROOT, Running, run_copy
from test_build import MODULES, PARSED, imports, name_of

from seqjax import figures
from seqjax.extras import later

HEAVY = {"matplotlib", "safetensors", "scipy", "sklearn", "statsmodels", "PIL"}
APART = {"comparisons", "speed"}  # they train nothing themselves
SCRIPT = """
import os, runpy, sys

for task in sys.argv[1:]:
    if not os.fork():
        sys.argv = [task, "--only_check_args"]
        try:
            runpy.run_module(f"experiments.{task}", run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            found = {"matplotlib", "scipy", "safetensors"} & set(sys.modules)
            print(task, stop.code, *found, flush=True)
            os._exit(0)
    os.wait()
"""


def test_experiments_import_no_heavy_library_at_their_top():
    paths = {name_of(path): path for path in PARSED}
    packages = {name: name.rpartition(".")[0] for name in MODULES}

    def all_of(name, found):
        if name and name not in found:
            found.add(name)
            for other in {packages[name], *imports(paths[name])}:
                all_of(other, found)
        return found

    for script in (name for name in MODULES if name.endswith("__main__")):
        if script.split(".")[1] not in APART:
            for name in all_of(script, set()):
                assert not HEAVY & set(libraries(paths[name])), f"{script} → {name}"


def libraries(path):
    """What a file imports when it is imported, by the names of the packages."""
    for node in ast.iter_child_nodes(PARSED[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_experiments_begin_without_what_draws_and_writes(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    tasks = ["names", "time_series", "memory"]
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    code, out, err = run_copy(ROOT, "script", *tasks, PYTHONPATH=path)  # a new process
    assert code == 0 and out.splitlines() == [f"{task} 0" for task in tasks], err


def test_a_figure_is_found_whatever_module_of_its_name_was_imported():
    for module in pkgutil.iter_modules(figures.__path__):
        importlib.import_module(f"seqjax.figures.{module.name}")
    names = importlib.import_module("seqjax.figures.everything").__all__
    assert len(names) > 20 and all(callable(getattr(figures, n)) for n in names)
    assert figures.drawing is sys.modules["seqjax.figures.drawing"]
    with pytest.raises(AttributeError, match="has no attribute 'pie_chart'"):
        _ = figures.pie_chart


def test_later_imports_when_something_is_looked_up(tmp_path, monkeypatch):
    (tmp_path / "told.py").write_text("print('here')\nvalue = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    code = "from seqjax.extras import later; told = later('told'); print('before'); "
    (tmp_path / "script.py").write_text(code + "print(told.value, later('told').value)")
    done = Running("script", cwd=tmp_path, path=tmp_path).finish()
    assert done == (0, "before\nhere\n3 3\n", "")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        later("no_such_module")
