"""Every experiment runs, repeats, resumes and explains itself."""

import json
import os
import re
import signal
import time

import numpy as np
import pytest
from processes import ROOT, Running, result_of, run

EXPERIMENTS = sorted(
    path.parent.name
    for path in (ROOT / "experiments").glob("*/__main__.py")
    if path.parent.name != "speed"  # tests/test_speed.py races
)
# What every result.json holds.
OWED = {"task", "data", "cell", "metric", "score", "baseline", "steps", "seconds"}
# What makes a run of each experiment short; a new one needs no entry.
SHORT = {
    "names": ["--steps=12", "--eval_every=5", "--features=6", "--samples=20"],
    "language_model": ["--dataset=synthetic", "--steps=6", "--features=6", "--bptt=9"],
    "agreement": ["--steps=5", "--features=6", "--buckets=1", "--cell=elman"],
    "name_entity": ["--steps=4", "--features=6", "--buckets=1"],
    "sentiment": ["--steps=4", "--features=6", "--buckets=1"],
    "translation": ["--steps=3", "--features=6", "--embedding=6", "--buckets=1"],
    "rescoring": ["--dataset=synthetic", "--model=model"],
}
# What must have run before, in the folder of this name.
BEFORE = {"rescoring": ("language_model", "--workdir=model")}


def run_briefly(experiment, *flags, cwd):
    """The result, as printed, of a few steps of an experiment."""
    return result_of(experiment, *SHORT.get(experiment, []), *flags, cwd=cwd)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_it_runs_and_leaves_what_it_owes(experiment, tmp_path):
    if experiment in BEFORE:
        run_briefly(*BEFORE[experiment], cwd=tmp_path)
    result = run_briefly(experiment, "--workdir=run", cwd=tmp_path)
    assert set(result) >= OWED
    folder = tmp_path / "run"
    assert json.loads((folder / "result.json").read_text()) == result
    assert list((folder / "figures").glob("*.png"))
    assert not list(folder.rglob("*.partial"))
    trains = (folder / "checkpoints").exists()
    assert trains == (folder / "model.json").exists() == ("parameters" in result)


@pytest.mark.parametrize("experiment", [*EXPERIMENTS, "speed", "speed.lengths"])
def test_help_explains_every_flag(experiment, tmp_path):
    """Each flag that the script has is there, with a sentence of its own."""
    code, out, _ = run(experiment, "--help", cwd=tmp_path)
    assert code in (0, 1) and "--workdir" in out
    entries = re.split(r"\n  (?=--|-\w,)", out.split("flags:", 1)[1])[1:]
    assert len(entries) >= 4
    for entry in entries:
        name, _, text = entry.partition(":")
        sentence = re.sub(r"\(default: .*?\)|\s+", " ", text, flags=re.S).strip()
        assert len(sentence.split()) >= 2, f"{name} is not explained"
    assert not list(tmp_path.iterdir())


PRESETS = sorted((ROOT / "experiments").glob("*/presets/*.txt"))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_says_what_its_experiment_knows(preset, tmp_path):
    experiment = preset.parent.parent.name
    flags = [f"--flagfile={preset}", "--only_check_args"]
    assert run(experiment, *flags, cwd=tmp_path) == (0, "", "")
    code, _, err = run(experiment, *flags, "--feature=3", cwd=tmp_path)
    assert code == 2 and "feature" in err


def metrics(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_flags_txt_repeats_a_run_bit_by_bit(tmp_path):
    first = run_briefly("names", "--dataset=synthetic", "--workdir=a", cwd=tmp_path)
    again = ["--flagfile=a/flags.txt", "--workdir=b", "--quiet"]
    code, out, err = run("names", *again, cwd=tmp_path)
    assert code == 0, err
    again = json.loads(out)
    for varying in ("seconds", "tokens_per_second"):
        del first[varying], again[varying]
    assert again == first
    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")
    names, names_again = (tmp_path / run / "names.txt" for run in "ab")
    assert names.read_text() == names_again.read_text()


def wait_for_lines(process, path, count):
    """Waits until a process has written so many lines, or ends."""
    deadline = time.monotonic() + 120
    while process.is_alive():
        if path.exists() and len(path.read_text().splitlines()) >= count:
            return
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_run_stopped_by_a_signal_goes_on_to_the_same_numbers(tmp_path):
    flags = ["--steps=400", "--features=6", "--eval_every=40", "--samples=20"]
    code, _, err = run("names", *flags, "--workdir=whole", cwd=tmp_path)
    assert code == 0, err
    broken = Running("experiments.names", *flags, "--workdir=broken", cwd=tmp_path)
    wait_for_lines(broken.process, tmp_path / "broken" / "metrics.jsonl", 3)
    os.kill(broken.process.pid, signal.SIGTERM)
    code, _, err = broken.finish()
    assert code == 130 and "--resume" in err, err
    assert metrics(tmp_path / "broken")[-1]["step"] < 400
    code, _, err = run("names", "--resume", "--workdir=broken", cwd=tmp_path)
    assert code == 0, err
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "broken")


def written(folder):
    return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*.*")}


def test_a_refused_resumption_writes_nothing(tmp_path):
    run_briefly("names", "--dataset=synthetic", "--workdir=a", cwd=tmp_path)
    before = written(tmp_path / "a")
    for changed in ("--steps=3", "--features=9", "--seed=5"):
        code, _, err = run("names", "--resume", "--workdir=a", changed, cwd=tmp_path)
        name = changed.split("=")[0]
        assert code == 2 and len(err.splitlines()) == 1 and name in err, err
        assert written(tmp_path / "a") == before
    result = (tmp_path / "a" / "result.json").read_text()
    code, out, err = run("names", "--resume", "--workdir=a", "--quiet", cwd=tmp_path)
    assert code == 0 and err == "" and out == result, "no step was run"
    assert (tmp_path / "a" / "result.json").read_text() == result


def test_several_cells_are_trained_and_compared(tmp_path):
    cells = "gru,lstm(coupled=True)"
    flags = ["--dataset=synthetic", f"--cell={cells}", "--workdir=both"]
    result = run_briefly("names", *flags, cwd=tmp_path)
    scores = {cell: one["score"] for cell, one in result["cells"].items()}
    assert list(scores) == ["gru", "lstm(coupled=True)"]
    assert result["score"] == min(scores.values())
    both = tmp_path / "both"
    assert {p.parent.name for p in both.glob("*/model.json")} == {
        "gru",
        "lstm_coupled_True",
    }
    assert (both / "figures" / "comparison.png").exists()
    code, out, err = run("compare", "both/gru", "both/lstm_coupled_True", cwd=tmp_path)
    assert code == 0 and "gru" in out and "nats per letter" in out, err
    assert (tmp_path / "comparison.png").exists()


def test_a_folder_with_a_run_is_not_overwritten(tmp_path):
    run_briefly("names", "--dataset=synthetic", "--workdir=a", cwd=tmp_path)
    before = written(tmp_path / "a")
    code, _, err = run("names", "--workdir=a", cwd=tmp_path)
    assert code == 2 and "--workdir" in err
    assert written(tmp_path / "a") == before


def test_a_language_model_goes_on_with_its_state(tmp_path):
    """Resumed in the middle of an epoch, it ends where an unbroken run does."""
    rng = np.random.default_rng(0)
    text = "".join(" ".join(rng.choice(list("abcd"), 9)) + "\n" for _ in range(300))
    (tmp_path / "text.txt").write_text(text)
    flags = ["--data=text.txt", "--steps=60", "--batch_size=4", "--features=16"]
    flags += ["--bptt=16", "--eval_every=10", "--checkpoint_every=10"]
    flags += ["--schedule=constant", "--quiet", "--orders=1"]
    result_of("language_model", *flags, "--workdir=whole", cwd=tmp_path)
    broken = ["--steps=30", "--workdir=broken"]
    result_of("language_model", *flags, *broken, cwd=tmp_path)
    resume = ["--resume", "--workdir=broken", "--steps=60", "--quiet"]
    result_of("language_model", *resume, cwd=tmp_path)
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "broken")


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    flags = ["--cell=elman(activation='relu')", "--optimizer=sgd", "--clip_norm=0"]
    flags += ["--learning_rate=1e3", "--steps=50"]
    code, _, err = run("names", *flags, "--workdir=a", "--quiet", cwd=tmp_path)
    assert code == 1
    last = err.splitlines()[-1]
    assert "step" in last and "is not finite" in last


def test_a_run_goes_on_with_its_own_data_alone(tmp_path):
    path = tmp_path / "reviews.csv"
    rows = [f"text {i},{1 + i % 5}\n" for i in range(40)]
    path.write_text("text,stars\n" + "".join(rows))
    flags = ["--data=reviews.csv", "--steps=4", "--features=4", "--buckets=1"]
    result_of("sentiment", *flags, "--workdir=run", cwd=tmp_path)
    resume = ["--resume", "--workdir=run", "--steps=6"]
    path.write_text("text,stars\n" + "".join(rows[::-1]))
    code, out, err = run("sentiment", *resume, cwd=tmp_path)
    assert code == 2 and out == "" and "other data" in err
    path.write_text("text,stars\n" + "".join(rows))
    result_of("sentiment", *resume, cwd=tmp_path)


def test_the_list_of_experiments_has_every_task_and_cell(tmp_path):
    code, out, err = run("__main__", cwd=tmp_path)
    assert code == 0, err
    assert all(f"{task}: " in out for task in EXPERIMENTS)


def test_the_readme_shows_the_measured_runs():
    from experiments.__main__ import markdown

    assert markdown() in (ROOT / "README.md").read_text()
