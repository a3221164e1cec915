"""The README's code runs, and its cell needs no other file."""

import re
import shutil

import pytest
from processes import ROOT, run, run_copy

CELL, *USES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def test_the_readme_runs():
    """The second block proves the first one's cell by the laws."""
    pytest.importorskip("torch")
    namespace = {"__name__": "mgu"}
    for block in (CELL, *USES):
        exec(compile(block, "README.md", "exec"), namespace)


def test_a_cell_dropped_into_its_folder_is_known_by_name(tmp_path):
    for folder in ("seqjax", "experiments"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "seqjax" / "cells" / "mgu.py").write_text(CELL)
    flags = ["--cell=mgu", "--steps=3", "--features=5", "--samples=5", "--workdir=run"]
    code, out, err = run_copy(tmp_path, "experiments.names", *flags, "--quiet")
    assert code == 0, err
    code, out, err = run_copy(tmp_path, "experiments", "cells")
    assert code == 0 and "--cell=mgu" in out, err


def test_a_cell_of_a_package_elsewhere_trains_and_loads(tmp_path):
    """It needs no file of the project, and is kept in the saved model by its name."""
    package, work = tmp_path / "elsewhere" / "mypackage", tmp_path / "work"
    package.mkdir(parents=True)
    work.mkdir()
    (package / "__init__.py").touch()
    (package / "mycell.py").write_text(CELL)
    where = {"cwd": work, "path": package.parent}
    flags = ["--cell=mypackage.mycell:MGU", "--steps=3", "--features=5", "--quiet"]
    code, _, err = run("names", *flags, "--samples=5", "--workdir=run", **where)
    assert code == 0, err
    ask = ["--mode=sample", "--workdir=run", "--samples=2"]
    code, out, err = run("names", *ask, **where)
    assert code == 0 and len(out.splitlines()) == 2, err
    assert b"mypackage.mycell:MGU" in (work / "run" / "model.safetensors").read_bytes()
    code, _, err = run("names", *ask, cwd=work)
    assert code == 1 and "mypackage" in err and len(err.splitlines()) == 1
