"""The README's code runs, and its cell needs no other file."""

import os
import shutil
import subprocess
import sys

from readme import CELL, ROOT, USES, names_of_the_cell


def test_the_readme_runs():
    cell = names_of_the_cell()
    for use in USES:
        exec(compile(use, "README.md: use", "exec"), dict(cell))


def test_a_cell_dropped_into_its_folder_is_known_to_the_experiments(tmp_path):
    for folder in ("seqjax", "experiments"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    (tmp_path / "seqjax" / "cells" / "mgu.py").write_text(CELL)
    names = ["experiments.names", "--cell=mgu", "--steps=3", "--features=5", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", *names, "--workdir=run", "--samples=5"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
