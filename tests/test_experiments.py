"""Every experiment runs, repeats, resumes and explains itself."""

import json
import re

import numpy as np
import pytest
from processes import ROOT, result_of, run
from trained import copy_of, smoke, uses

from seqjax import predict

EXPERIMENTS = sorted(
    path.parent.name
    for path in (ROOT / "experiments").glob("*/__main__.py")
    if path.parent.name != "speed"  # tests/test_speed.py races
)
# What every result.json holds.
OWED = {"task", "data", "cell", "metric", "score", "baseline", "steps", "seconds"}


@pytest.mark.parametrize("experiment", [uses(name, name) for name in EXPERIMENTS])
def test_it_runs_and_leaves_what_it_owes(experiment, trained):
    folder, result = trained(experiment)
    assert set(result) >= OWED
    folder = folder / "run"
    assert json.loads((folder / "result.json").read_text()) == result
    assert list((folder / "figures").glob("*.png"))
    assert not list(folder.rglob("*.partial"))
    saves = (folder / predict.NAME).exists()
    assert saves == ("parameters" in result)
    # A readout that is solved has no steps to go on with.
    assert (folder / "checkpoints").exists() == (saves and result["steps"] > 0)


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
    if preset.stem != "smoke":  # which each experiment has
        return
    code, _, err = run(experiment, *flags, "--feature=3", cwd=tmp_path)
    assert code == 2 and "feature" in err


def metrics(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@uses("names")
def test_flags_txt_repeats_a_run_bit_by_bit(trained, tmp_path):
    folder, first = trained("names")
    flags = [f"--flagfile={folder / 'run' / 'flags.txt'}", "--quiet"]
    again = result_of("names", *flags, "--workdir=again", cwd=tmp_path)
    varying = {"seconds": 0, "tokens_per_second": 0}
    assert again | varying == first | varying
    assert metrics(folder / "run") == metrics(tmp_path / "again")
    names = (folder / "run" / "names.txt").read_text()
    assert names == (tmp_path / "again" / "names.txt").read_text()


def written(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@uses("names")
def test_a_refused_resumption_writes_nothing(trained, tmp_path):
    folder = copy_of(trained("names"), tmp_path) / "run"
    before = written(folder)
    for changed in ("--steps=3", "--features=9", "--seed=5"):
        flags = ["--resume", "--workdir=run", changed]
        code, _, err = run("names", *flags, cwd=tmp_path)
        name = changed.split("=")[0]
        assert code == 2 and len(err.splitlines()) == 1 and name in err, err
        assert written(folder) == before
    code, _, err = run("names", "--workdir=run", cwd=tmp_path)
    assert code == 2 and "--workdir" in err, "it holds a run"
    assert written(folder) == before
    result = (folder / "result.json").read_text()
    code, out, err = run("names", "--resume", "--workdir=run", "--quiet", cwd=tmp_path)
    assert code == 0 and err == "" and out == result, "no step was run"
    assert (folder / "result.json").read_text() == result


def test_several_cells_are_trained_and_compared(tmp_path):
    cells = "gru,lstm(coupled=True)"
    flags = ["--dataset=synthetic", f"--cell={cells}", "--workdir=both"]
    result = result_of("names", *smoke("names"), *flags, cwd=tmp_path)
    scores = {cell: one["score"] for cell, one in result["cells"].items()}
    assert list(scores) == ["gru", "lstm(coupled=True)"]
    assert result["score"] == min(scores.values())
    both = tmp_path / "both"
    assert {p.parent.name for p in both.glob(f"*/{predict.NAME}")} == {
        "gru",
        "lstm_coupled_True",
    }
    assert (both / "figures" / "comparison.png").exists()
    code, out, err = run("compare", "both/gru", "both/lstm_coupled_True", cwd=tmp_path)
    assert code == 0 and "gru" in out and "nats per letter" in out, err
    assert (tmp_path / "comparison.png").exists()


@uses("names")
def test_several_seeds_have_a_mean_and_each_is_its_own_run(trained, tmp_path):
    flags = [*smoke("names"), "--seeds=2", "--split_seed=0", "--workdir=both"]
    result = result_of("names", *flags, cwd=tmp_path)
    scores = [one["score"] for one in result["cells"].values()]
    assert list(result["cells"]) == ["seed 0", "seed 1"] and result["scores"] == scores
    assert result["score"] == sum(scores) / 2 and result["seeds"] == 2
    assert result["score_std"] == pytest.approx(abs(scores[0] - scores[1]) / 2**0.5)
    assert result["baselines"][0] == result["baselines"][1], "one split"
    both = tmp_path / "both"
    assert metrics(both / "seed_0") == metrics(trained("names").folder / "run")
    assert metrics(both / "seed_1") != metrics(both / "seed_0")
    assert (both / "figures" / "comparison.png").exists()


def test_a_language_model_goes_on_with_its_state(tmp_path):
    """Resumed in the middle of an epoch, it ends where an unbroken run does.

    The windows overlap and have noise.
    """
    rng = np.random.default_rng(0)
    text = "".join(" ".join(rng.choice(list("abcd"), 9)) + "\n" for _ in range(300))
    (tmp_path / "text.txt").write_text(text)
    flags = ["--data=text.txt", "--steps=60", "--batch_size=4", "--features=16"]
    flags += ["--bptt=16", "--bptt_every=12", "--dropout=0.2", "--weight_dropout=0.1"]
    flags += ["--eval_every=10", "--checkpoint_every=10"]
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


@uses("sentiment")
def test_a_run_goes_on_with_its_own_data_alone(trained, tmp_path):
    path = copy_of(trained("sentiment"), tmp_path) / "reviews.csv"
    head, *rows = path.read_text().splitlines(keepends=True)
    resume = ["--resume", "--workdir=run", "--steps=42"]
    path.write_text(head + "".join(rows[::-1]))
    code, out, err = run("sentiment", *resume, cwd=tmp_path)
    assert code == 2 and out == "" and "other data" in err
    path.write_text(head + "".join(rows))
    assert result_of("sentiment", *resume, cwd=tmp_path)["steps"] == 42


def test_the_list_of_experiments_has_every_task_and_cell(tmp_path):
    code, out, err = run("__main__", cwd=tmp_path)
    assert code == 0, err
    assert all(f"{task}: " in out for task in EXPERIMENTS)


def test_the_readme_shows_the_measured_runs():
    from experiments.__main__ import markdown

    assert markdown() in (ROOT / "README.md").read_text()
