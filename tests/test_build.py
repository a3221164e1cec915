"""BUILD's recipe of a task is all that a task takes, and the map of rooms is true."""

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
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
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
