"""Every experiment runs, resumes, and answers bad input in one sentence."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
EXPERIMENTS = sorted(
    path.stem
    for path in (ROOT / "experiments").glob("*.py")
    if "common.run(main)" in path.read_text()
)
# What every result.json holds.
OWED = {"task", "data", "cell", "metric", "score", "baseline", "steps", "seconds"}
# What makes a run of each experiment short; a new one needs no entry.
SHORT = {
    "names": ["--steps=12", "--eval_every=5", "--features=6", "--samples=20"],
    "language_model": ["--dataset=synthetic", "--steps=6", "--features=6", "--bptt=9"],
    "agreement": ["--steps=5", "--features=6", "--buckets=1"],
    "name_entity": ["--steps=4", "--features=6", "--buckets=1"],
    "sentiment": ["--steps=4", "--features=6", "--buckets=1"],
    "translation": ["--steps=3", "--features=6", "--embedding=6", "--buckets=1"],
    "rescoring": ["--dataset=synthetic", "--model=model"],
}
# What must have run before, in the folder of this name.
BEFORE = {"rescoring": ("language_model", "--workdir=model")}

# Runs share what they compile, and compile quickly; it changes no number.
CACHE = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".pytest_cache" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}


def start(experiment, *flags, cwd):
    """An experiment as a process, begun."""
    return subprocess.Popen(
        [sys.executable, "-m", f"experiments.{experiment}", *map(str, flags)],
        cwd=cwd,
        env={**os.environ, **CACHE, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(experiment, *flags, cwd):
    """Exit status, output and errors of an experiment."""
    process = start(experiment, *flags, cwd=cwd)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def run_briefly(experiment, *flags, cwd):
    """The result, as printed, of a few steps of an experiment."""
    return run_whole(experiment, *SHORT.get(experiment, []), *flags, cwd=cwd)


def run_whole(experiment, *flags, cwd):
    """The result, as printed, of an experiment."""
    code, out, err = run(experiment, *flags, cwd=cwd)
    assert code == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_it_runs_and_leaves_what_it_owes(experiment, tmp_path):
    if experiment in BEFORE:
        run_briefly(*BEFORE[experiment], cwd=tmp_path)
    result = run_briefly(experiment, "--workdir=run", cwd=tmp_path)
    assert OWED <= set(result) and "tokens_per_second" in result
    folder = tmp_path / "run"
    assert json.loads((folder / "result.json").read_text()) == result
    assert list((folder / "figures").glob("*.png"))
    assert not list(folder.rglob("*.partial"))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_help_explains_every_flag(experiment, tmp_path):
    code, out, _ = run(experiment, "--help", cwd=tmp_path)
    assert code in (0, 1) and "--workdir" in out
    assert not list(tmp_path.iterdir())


PRESETS = sorted((ROOT / "experiments" / "presets").glob("*/*.txt"))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_says_what_its_experiment_knows(preset, tmp_path):
    flags = [f"--flagfile={preset}", "--only_check_args"]
    code, out, err = run(preset.parent.name, *flags, cwd=tmp_path)
    assert (code, out, err) == (0, "", "")
    code, _, err = run(preset.parent.name, *flags, "--feature=3", cwd=tmp_path)
    assert code == 2 and "feature" in err


def metrics(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_flags_txt_repeats_a_run_bit_by_bit(tmp_path):
    first = run_briefly("names", "--dataset=synthetic", "--workdir=a", cwd=tmp_path)
    code, out, err = run(
        "names", "--flagfile=a/flags.txt", "--workdir=b", "--quiet", cwd=tmp_path
    )
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
    while process.poll() is None:
        if path.exists() and len(path.read_text().splitlines()) >= count:
            return
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_run_stopped_by_a_signal_goes_on_to_the_same_numbers(tmp_path):
    flags = ["--steps=400", "--features=6", "--eval_every=40", "--samples=20"]
    code, _, err = run("names", *flags, "--workdir=whole", cwd=tmp_path)
    assert code == 0, err
    process = start("names", *flags, "--workdir=broken", cwd=tmp_path)
    wait_for_lines(process, tmp_path / "broken" / "metrics.jsonl", 3)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "--resume" in err, err
    assert metrics(tmp_path / "broken")[-1]["step"] < 400
    code, _, err = run("names", "--resume", "--workdir=broken", cwd=tmp_path)
    assert code == 0, err
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "broken")


TINY = ["--data=text.txt", "--steps=60", "--batch_size=4", "--features=16", "--bptt=16"]


@pytest.mark.parametrize("kind", ["--level=char", "--level=word", "--sentences"])
def test_a_language_model_scores_ranks_and_samples(kind, tmp_path):
    (tmp_path / "text.txt").write_text("the cat was full\nthe cats were full\n" * 40)
    result = run_whole("language_model", *TINY, kind, "--workdir=run", cwd=tmp_path)
    assert result["score"] < result["unigram"]

    def ask(mode, *more):
        more = [f"--mode={mode}", "--workdir=run", *more]
        code, out, err = run("language_model", *more, cwd=tmp_path)
        assert code == 0 and err == "", err
        return out.splitlines()

    *each, total = ask("score", "--text=the cat")
    tokens = ["the", "cat"] if "word" in kind else list("the cat")
    assert [line.split(maxsplit=1)[1:] for line in each] == [
        [token.strip()] if token.strip() else [] for token in [*tokens, "<EOS>"]
    ]
    values = [float(line.split()[0]) for line in [*each, total]]
    assert sum(values[:-1]) == pytest.approx(values[-1], abs=1e-2)
    ranked = [float(line.split()[0]) for line in ask("rank", "--k=3", "--text=the ")]
    assert len(ranked) == 3 and ranked == sorted(ranked, reverse=True)
    one, again = (ask("sample", "--length=9", "--text=the cat") for _ in range(2))
    assert one == again and one[0].startswith("the cat")


def test_a_language_model_goes_on_with_its_state(tmp_path):
    """Resumed in the middle of an epoch, it ends where an unbroken run does."""
    rng = np.random.default_rng(0)
    text = "".join(" ".join(rng.choice(list("abcd"), 9)) + "\n" for _ in range(300))
    (tmp_path / "text.txt").write_text(text)
    flags = [*TINY, "--eval_every=10", "--checkpoint_every=10", "--schedule=constant"]
    flags += ["--quiet", "--orders=1"]
    run_whole("language_model", *flags, "--workdir=whole", cwd=tmp_path)
    run_whole("language_model", *flags, "--steps=30", "--workdir=broken", cwd=tmp_path)
    resume = ["--resume", "--workdir=broken", "--steps=60", "--quiet"]
    run_whole("language_model", *resume, cwd=tmp_path)
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "broken")


def test_rescoring_puts_first_what_people_say(tmp_path):
    (tmp_path / "text.txt").write_text("the apple and the pear\ntwo sons\n" * 40)
    run_whole("language_model", *TINY, "--workdir=model", cwd=tmp_path)
    pair, pear = "the apple and the pair", "the apple and the pear"
    lists = (f"{i}\t0.5\t{pair}\t0\n{i}\t0\t{pear}\t1\n" for i in range(8))
    (tmp_path / "lists.tsv").write_text("".join(lists))
    flags = ["--model=model", "--data=lists.tsv", "--workdir=run"]
    result = run_whole("rescoring", *flags, cwd=tmp_path)
    assert result["score"] == 1 > result["baseline"]
    ranked = (tmp_path / "run" / "ranked.tsv").read_text().splitlines()
    assert [line[-1] for line in ranked[::2]] == ["1"] * 8


@pytest.mark.parametrize("flags", [[], ["--model=none"]])
def test_rescoring_needs_a_model(flags, tmp_path):
    code, out, err = run("rescoring", *flags, cwd=tmp_path)
    assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
    assert ("none" if flags else "--model") in err and not list(tmp_path.iterdir())


def test_a_model_is_asked_only_where_there_is_one(tmp_path):
    for workdir, named in (([], "--workdir"), (["--workdir=none"], "none/")):
        code, out, err = run("language_model", "--mode=rank", *workdir, cwd=tmp_path)
        assert code in (1, 2) and out == "" and len(err.splitlines()) == 1
        assert named in err


def test_one_direction_cannot_know_what_follows(tmp_path):
    flags = ["--tags=binary", "--steps=120", "--buckets=1", "--features=32"]
    flags += ["--eval_every=120", "--dropout=0.2"]
    for direction in ("--bidirectional", "--nobidirectional"):
        where = f"--workdir=run{direction}"
        result = run_whole("name_entity", *flags, direction, where, cwd=tmp_path)
        roosevelt, bears = result["p_teddy"]
        equal = abs(roosevelt - bears) < 1e-5
        assert equal == (direction == "--nobidirectional")
        if direction == "--bidirectional":
            assert roosevelt > 0.5 > bears and result["score"] > result["baseline"]
    ask = ["--mode=tag", where, "--text=Teddy, who sang."]
    code, out, err = run("name_entity", *ask, cwd=tmp_path)
    assert code == 0 and not err, err
    words, told = zip(*(line.split("\t") for line in out.splitlines()), strict=True)
    assert words == ("Teddy", ",", "who", "sang", ".")
    assert all(tag == "O" or tag[:2] in ("B-", "I-") for tag in told)


@pytest.mark.parametrize("classes", ["stars", "binary"])
def test_a_text_is_rated(classes, tmp_path):
    rows = (
        f"{t} film {i},{s}\n" for i in range(30) for t, s in (("good", 5), ("bad", 1))
    )
    (tmp_path / "reviews.csv").write_text("text,stars\n" + "".join(rows))
    flags = ["--data=reviews.csv", "--steps=40", "--features=8", "--buckets=1"]
    flags += [f"--classes={classes}", "--learning_rate=0.02", "--workdir=run"]
    result = run_whole("sentiment", *flags, cwd=tmp_path)
    assert result["score"] == 1 > result["majority"]
    stars = []
    for text in ("good film 3", "bad film 3"):
        ask = ["--mode=rate", "--workdir=run", f"--text={text}"]
        code, out, err = run("sentiment", *ask, cwd=tmp_path)
        assert code == 0 and not err, err
        *each, expected = out.splitlines()
        assert len(each) == (5 if classes == "stars" else 2)
        assert sum(float(line.split()[0]) for line in each) == pytest.approx(
            1, abs=1e-3
        )
        stars.append(float(expected.split()[0]))
    assert stars[0] > 4 and stars[1] < 2


def test_a_sentence_is_translated(tmp_path):
    words = [f"{a}{b}" for a in "bdfgklmn" for b in "aeiou"]
    pairs = (
        (f"{w} {v} {w} {w}", f"{w} {w} {v} {w}") for w in words for v in words[::4]
    )
    lines = "".join(f"{source}\t{target.upper()}\n" for source, target in pairs)
    rare = "".join(f"{a}{b}\t{a}{b}\n" for a in "pqrstvwxyz" for b in "aeiou")
    (tmp_path / "pairs.tsv").write_text(lines + rare)
    flags = ["--data=pairs.tsv", "--steps=150", "--features=32", "--embedding=32"]
    flags += ["--learning_rate=0.01", "--buckets=1", "--workdir=run", "--vocabulary=40"]
    flags += ["--attention=multiplicative", "--dropout=0"]
    result = run_whole("translation", *flags, cwd=tmp_path)
    assert result["score"] > result["copying"]

    def ask(text, *more):
        ask = ["--mode=translate", "--workdir=run", f"--text={text}", *more]
        code, out, err = run("translation", *ask, cwd=tmp_path)
        assert code == 0 and not err, err
        return out.strip()

    assert ask("ba bi ba ba").startswith("BA BA ")
    assert ask("jeje") == "jeje", "no other word is there to copy"
    assert "<UNK>" not in ask("ju ba") and "jeje" not in ask("jeje", "--unknown=mask")


BAD_QUESTIONS = {
    "translation": ["--mode=translate", "--text="],
    "name_entity": ["--mode=tag", "--text="],
    "sentiment": ["--mode=rate", "--text=..."],
}


def test_a_damaged_model_is_one_sentence(tmp_path):
    run_briefly("sentiment", "--workdir=run", cwd=tmp_path)
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    model["lexicon"][0].reverse()
    damages = {
        "model.msgpack": b"\xc1",
        "model.json": json.dumps(model).encode(),
    }
    for name, damage in damages.items():
        (tmp_path / "run" / name).write_bytes(damage)
        ask = ["--mode=rate", "--text=hello", "--workdir=run"]
        code, out, err = run("sentiment", *ask, cwd=tmp_path)
        assert code == 1 and out == "" and len(err.splitlines()) == 1 and name in err


def test_a_run_goes_on_with_its_own_data_alone(tmp_path):
    path = tmp_path / "reviews.csv"
    rows = [f"text {i},{1 + i % 5}\n" for i in range(40)]
    path.write_text("text,stars\n" + "".join(rows))
    flags = ["--data=reviews.csv", "--steps=4", "--features=4", "--buckets=1"]
    run_whole("sentiment", *flags, "--workdir=run", cwd=tmp_path)
    resume = ["--resume", "--workdir=run", "--steps=6"]
    path.write_text("text,stars\n" + "".join(rows[::-1]))
    code, out, err = run("sentiment", *resume, cwd=tmp_path)
    assert code == 2 and out == "" and "other data" in err
    path.write_text("text,stars\n" + "".join(rows))
    run_whole("sentiment", *resume, cwd=tmp_path)


@pytest.mark.parametrize("experiment", sorted(BAD_QUESTIONS))
def test_what_cannot_be_asked_is_one_sentence(experiment, tmp_path):
    (tmp_path / "bad.txt").write_text("text,stars\nHarry,9\n")
    (tmp_path / "model.json").write_text('{"cell": "lstm"}')
    mode, text = BAD_QUESTIONS[experiment]
    for flags, named in (
        ([mode, text, "--workdir=."], "--text" if text[-1] == "=" else "model.json"),
        ([mode, "--text=hello"], "--workdir"),
        ([mode, "--text=hello", "--workdir=none"], "none/model.json"),
        ([mode, "--text=hello", "--workdir=."], "model.json"),
        (["--data=bad.txt"], "bad.txt, "),
        (["--dataset=none"], "none"),
    ):
        code, out, err = run(experiment, *flags, cwd=tmp_path)
        assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
        assert named in err, err
    assert len(list(tmp_path.iterdir())) == 2


BAD_INPUT = {  # flags, and what the sentence names
    "missing file": (["--data=none.txt"], "none.txt"),
    "empty file": (["--data=empty.txt"], "empty.txt"),
    "not UTF-8": (["--data=latin.txt"], "line 2"),
    "one name": (["--data=one.txt"], "one.txt"),
    "unknown cell": (["--cell=gur"], "--cell"),
    "bad field": (["--cell=lstm(couple=True)"], "--cell"),
    "negative steps": (["--steps=-3"], "--steps"),
    "no number": (["--features=many"], "--features"),
    "unknown flag": (["--feature=3"], "feature"),
    "no flag": (["gru"], "gru"),
    "unknown data set": (["--dataset=dragons"], "dragons"),
    "two data sets": (["--data=one.txt", "--dataset=synthetic"], "--dataset"),
    "looking ahead": (["--bidirectional"], "--bidirectional"),
    "nothing to resume": (["--resume"], "--resume"),
    "a field that does not fit": (["--cell=lstm(chrono=2)"], "--cell"),
    "only warm-up": (["--schedule=warmup_cosine", "--steps=50"], "--warmup"),
}


@pytest.mark.parametrize("case", sorted(BAD_INPUT))
def test_bad_input_ends_in_one_sentence_and_leaves_nothing(case, tmp_path):
    flags, named = BAD_INPUT[case]
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "latin.txt").write_bytes(b"abc\ncaf\xe9\n")
    (tmp_path / "one.txt").write_text("abc\n")
    before = sorted(tmp_path.iterdir())
    code, out, err = run("names", *flags, cwd=tmp_path)
    lines = err.strip().splitlines()
    assert code in (1, 2) and out == ""
    assert len(lines) == 1 and named in lines[0] and "Traceback" not in err, err
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_with_a_run_is_not_overwritten(tmp_path):
    run_briefly("names", "--dataset=synthetic", "--workdir=a", cwd=tmp_path)

    def written():
        return {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*")}

    before = written()
    code, _, err = run("names", "--workdir=a", cwd=tmp_path)
    assert code == 2 and "--workdir" in err
    assert written() == before


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    flags = ["--cell=elman(activation='relu')", "--optimizer=sgd", "--clip_norm=0"]
    flags += ["--learning_rate=1e3", "--steps=50"]
    code, _, err = run("names", *flags, "--workdir=a", "--quiet", cwd=tmp_path)
    assert code == 1
    last = err.splitlines()[-1]
    assert "step" in last and "is not finite" in last


def test_a_resumed_run_keeps_its_flags(tmp_path):
    run_briefly("names", "--dataset=synthetic", "--workdir=a", cwd=tmp_path)
    flags = (tmp_path / "a/flags.txt").read_text()
    for changed in ("--features=9", "--seed=5"):
        code, _, err = run("names", "--resume", "--workdir=a", changed, cwd=tmp_path)
        name = changed.split("=")[0]
        assert code == 2 and len(err.splitlines()) == 1 and name in err, err
    assert (tmp_path / "a/flags.txt").read_text() == flags
    code, _, err = run("names", "--resume", "--workdir=a", "--quiet", cwd=tmp_path)
    assert code == 0 and err == "", err
