"""The README's code runs, and its cell needs no other file."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
CELL, *USES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
LAWS = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("tests/test_*_laws.py"))


def test_the_readme_runs():
    exec(compile(CELL, "README.md: cell", "exec"), {"__name__": "mgu"})
    for use in USES:
        exec(compile(use, "README.md: use", "exec"), {})


def test_a_cell_dropped_into_its_folder_passes_the_laws_and_runs(tmp_path):
    for folder in ("seqjax", "experiments", "tests"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "seqjax" / "cells" / "mgu.py").write_text(CELL)
    names = ["experiments.names", "--cell=mgu", "--steps=3", "--features=5", "--quiet"]
    for arguments in (
        ["pytest", "-q", "-p", "no:cacheprovider", "-k", "mgu", *LAWS],
        [*names, "--workdir=run", "--samples=5"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
