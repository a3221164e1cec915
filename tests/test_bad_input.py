"""Bad input ends in one sentence that names it, and leaves nothing."""

import json

import pytest
from processes import run
from trained import copy_of, uses

from seqjax import predict, sealed


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


def test_a_truncation_that_leaves_tokens_out_is_refused(tmp_path):
    (tmp_path / "text.txt").write_text("the cat\n" * 99)
    data = ["--data=text.txt", "--bptt=4"]
    for flags in (["--bptt_every=5"], ["--bptt_every=2", "--sentences"]):
        code, out, err = run("language_model", *data, *flags, cwd=tmp_path)
        assert code == 2 and out == "" and len(err.splitlines()) == 1, err
        assert "--bptt_every" in err and len(list(tmp_path.iterdir())) == 1


BAD_QUESTIONS = {
    "translation": ["--mode=translate", "--text="],
    "name_entity": ["--mode=tag", "--text="],
    "sentiment": ["--mode=rate", "--text=..."],
}


@uses("sentiment")
def test_a_damaged_model_is_one_sentence(trained, tmp_path):
    copy_of(trained("sentiment"), tmp_path)
    path = tmp_path / "run" / "model.safetensors"
    arrays = predict.load(tmp_path / "run").variables
    text = sealed.read(path).text
    model = json.loads(text["predictor"])
    model["codec"]["words"].reverse()
    sealed.write(path, arrays, {"predictor": json.dumps(model)})
    ask = ["--mode=rate", "--text=hello", "--workdir=run"]
    for damage in (None, b"\xc1"):
        if damage:
            path.write_bytes(damage)
        code, out, err = run("sentiment", *ask, cwd=tmp_path)
        assert code == 1 and out == "" and len(err.splitlines()) == 1
        assert path.name in err


@pytest.mark.parametrize("experiment", sorted(BAD_QUESTIONS))
def test_what_cannot_be_asked_is_one_sentence(experiment, tmp_path):
    (tmp_path / "bad.txt").write_text("text,stars\nHarry,9\n")
    (tmp_path / "model.safetensors").write_text('{"cell": "lstm"}')
    mode, text = BAD_QUESTIONS[experiment]
    for flags, named in (
        ([mode, text, "--workdir=."], "--text" if text[-1] == "=" else "model.saf"),
        ([mode, "--text=hello"], "--workdir"),
        ([mode, "--text=hello", "--workdir=none"], "none/model.safetensors"),
        ([mode, "--text=hello", "--workdir=."], "model.safetensors"),
        (["--data=bad.txt"], "bad.txt, "),
        (["--dataset=none"], "none"),
    ):
        code, out, err = run(experiment, *flags, cwd=tmp_path)
        assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
        assert named in err, err
    assert len(list(tmp_path.iterdir())) == 2


BAD_GENOMES = {  # flags, and what the sentence names
    "one genome": (["--data=one.fasta"], "1 genome"),
    "cut short": (["--data=cut.gbk"], "cut.gbk, line 2: the file was cut short"),
    "a class": (["--data=table.tsv"], "--target: table.tsv"),
    "no class": (["--data=two.fasta", "--target=class"], "--target: two.fasta"),
    "an odd question": (["--mode=label", "--text=AC*", "--workdir=."], "--text: '*'"),
    "a missing file": (["--mode=label", "--file=no.fa", "--workdir=."], "no.fa"),
}


@pytest.mark.parametrize("case", sorted(BAD_GENOMES))
def test_a_bad_genome_is_one_sentence(case, tmp_path):
    flags, named = BAD_GENOMES[case]
    record = f">{{}}\n{'ACGT' * 9}\n{'.+++' * 9}\n"
    files = {
        "one.fasta": record.format("a"),
        "two.fasta": record.format("a") + record.format("b").replace("A", "C"),
        "cut.gbk": "LOCUS       X 4 bp DNA\nFEATURES\n",
        "table.tsv": "".join(f"x\t{'ACGT'[i]}\n" for i in range(4)),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    code, out, err = run("dna", *flags, cwd=tmp_path)
    assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
    assert named in err and len(list(tmp_path.iterdir())) == len(files)


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
