"""Trained models answer through their scripts' modes."""

import json
import re
import shutil

import numpy as np
import pytest
import scipy.io.wavfile
from processes import run
from trained import copy_of, uses

from experiments.speech_recognition.voice import RATE, draw_voice, speak
from seqjax import predict


def ask(trained, mode, *flags):
    """The lines of an answer of a run."""
    name = trained.result["task"]
    code, out, err = run(
        name, f"--mode={mode}", "--workdir=run", *flags, cwd=trained.folder
    )
    assert code == 0 and err == "", err
    return out.splitlines()


@uses("language_model")
@pytest.mark.parametrize("kind", ["", " word", " sentences"])
def test_a_language_model_scores_ranks_and_samples(kind, trained):
    model = trained(f"language_model{kind}")
    assert model.result["score"] < model.result["unigram"]
    *each, total = ask(model, "score", "--text=the cat")
    tokens = ["the", "cat"] if kind == " word" else list("the cat")
    assert [line.split(maxsplit=1)[1:] for line in each] == [
        [token.strip()] if token.strip() else [] for token in [*tokens, "<EOS>"]
    ]
    values = [float(line.split()[0]) for line in [*each, total]]
    assert sum(values[:-1]) == pytest.approx(values[-1], abs=1e-2)
    ranks = ask(model, "rank", "--k=3", "--text=the ")
    ranked = [float(line.split()[0]) for line in ranks]
    assert len(ranked) == 3 and ranked == sorted(ranked, reverse=True)
    sample = "sample", "--length=9", "--text=the cat"
    one, again = ask(model, *sample), ask(model, *sample)
    assert one == again and one[0].startswith("the cat")


@uses("language_model")
@pytest.mark.parametrize("kind", ["", " word"])
def test_a_text_becomes_pages(kind, trained, tmp_path):
    """Of one model, and of several in one folder."""
    model = trained(f"language_model{kind}")
    for name in ("a", "b"):
        shutil.copytree(model.folder / "run", tmp_path / "both" / name)
    shutil.copytree(model.folder / "run", tmp_path / "one")
    for folder, names in (("one", ["LSTM"]), ("both", ["a", "b"])):
        flags = ["--mode=page", f"--workdir={folder}", "--text=the cats"]
        code, out, err = run("language_model", *flags, cwd=tmp_path)
        assert code == 0 and err == "", err
        looked_back, held = (tmp_path / line for line in out.splitlines())
        data = [
            json.loads(re.search(r'id="data">(.*?)</script>', p.read_text())[1])
            for p in (looked_back, held)
        ]
        tokens = ["the", "cats"] if kind else list("the cats")
        assert data[0]["tokens"] == tokens
        assert [network["name"] for network in data[0]["networks"]] == names
        assert list(data[1]["networks"]) == names
        assert data[1]["separator"] == (" " if kind else "")
    many = " ".join(["the cat"] * 999)
    for flags, named in ((["--text="], "--text"), ([f"--text={many}"], "1000 tokens")):
        ask = ["--mode=page", "--workdir=one", *flags]
        code, out, err = run("language_model", *ask, cwd=tmp_path)
        assert code == 2 and out == "" and len(err.splitlines()) == 1 and named in err


@uses("language_model")
def test_a_language_model_says_what_truncation_loses(trained, tmp_path):
    model = trained("language_model")
    folder = copy_of(model, tmp_path)
    mode = ["--mode=truncation", "--workdir=run"]
    code, out, err = run("language_model", *mode, "--reach=2", cwd=tmp_path)
    assert code == 0 and err == "", err
    assert out.startswith("lstm, trained: cosine") and "  w_h, trained: " in out
    found = json.loads((folder / "run" / "truncation.json").read_text())
    for stages in (found["all weights"], *found["weights"].values()):
        assert {"trained", "at initialisation"} <= set(stages)
        assert stages["trained"]["k2"] == [1, 2]
    whole = found["all weights"]
    assert whole["trained"]["cosine"][0] < whole["trained"]["cosine"][-1] <= 1.0001
    assert found["weights"]["readout.w"]["trained"]["cosine"] == pytest.approx([1] * 2)
    assert whole["at initialisation"] != whole["trained"]
    assert len(list((folder / "run" / "figures").glob("truncation*.png"))) == 2
    code, _, err = run("language_model", *mode, "--reach=99", cwd=tmp_path)
    assert code == 2 and "--reach: 99 needs 1585 tokens" in err, err
    text = (tmp_path / "text.txt").read_text()
    (tmp_path / "text.txt").write_text(text + "the pear\n")
    code, _, err = run("language_model", *mode, "--reach=2", cwd=tmp_path)
    assert code == 1 and "text.txt: not what the run" in err, err


@uses("language_model")
def test_rescoring_puts_first_what_people_say(trained):
    run = trained("rescoring")
    assert run.result["score"] == 1 > run.result["baseline"]
    ranked = (run.folder / "run" / "ranked.tsv").read_text().splitlines()
    assert [line[-1] for line in ranked[::2]] == ["1"] * 8


@uses("name_entity")
def test_one_direction_cannot_know_what_follows(trained):
    result = trained("name_entity forward").result
    roosevelt, bears = result["p_teddy"]
    assert roosevelt == pytest.approx(bears, abs=1e-5)
    both = trained("name_entity")
    roosevelt, bears = both.result["p_teddy"]
    assert roosevelt > 0.5 > bears and both.result["score"] > both.result["baseline"]
    lines = ask(both, "tag", "--text=Anna, who sang.")
    words, tags = zip(*(line.split("\t") for line in lines), strict=True)
    assert words == ("Anna", ",", "who", "sang", ".")
    assert set(tags) <= {"O", "B-NAME", "I-NAME"} and tags[0] != "O"


@uses("sentiment")
@pytest.mark.parametrize(("classes", "kind"), [(5, ""), (2, " binary")])
def test_a_text_is_rated(classes, kind, trained):
    rater = trained(f"sentiment{kind}")
    assert rater.result["score"] == 1 > rater.result["majority"]
    stars = []
    for text in ("good film 3", "bad film 3"):
        *each, expected = ask(rater, "rate", f"--text={text}")
        shares = [float(line.split()[0]) for line in each]
        assert len(each) == classes and sum(shares) == pytest.approx(1, abs=1e-3)
        stars.append(float(expected.split()[0]))
    assert stars[0] > 4 and stars[1] < 2


@uses("translation")
def test_a_sentence_is_translated(trained):
    run = trained("translation")
    assert run.result["score"] > run.result["copying"]

    def translate(text, *flags):
        (line,) = ask(run, "translate", f"--text={text}", *flags)
        return line

    assert translate("ba bi ba ba").startswith("BA BA ")
    assert translate("jeje") == "jeje", "no other word is there to copy"
    assert "<UNK>" not in translate("ju ba")
    assert "jeje" not in translate("jeje", "--unknown=mask")


@uses("dna")
def test_bases_are_labelled(trained):
    run = trained("dna")
    assert run.result["score"] > run.result["baseline"]
    course = "AGCCCCTGTGAGGAACTAG"
    name, text, marks = ask(run, "label", f"--text={course}")
    assert (name, text) == (">text", course) and len(marks) == len(text)
    gene = "ATG" + 25 * "GCC" + "TAA"
    other = gene.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    for text, sign in ((gene, "+"), (other, "-")):
        marks = predict.load(run.folder / "run").label(f"TATATATA{text}TATATATA")
        assert marks.count(sign) > 60 and set(marks) <= {".", sign}
    path = run.folder / "run" / "labelled.fasta"
    assert ask(run, "label", f"--file={path}") == path.read_text().splitlines()
    whole = trained("dna class")
    assert whole.result["score"] == 1 > whole.result["majority"]
    shares = predict.load(whole.folder / "run").classify("ACGTACGTGTAAGACGTTTTT")
    assert shares["yes"] > 0.9


@uses("names")
def test_names_are_drawn(trained):
    flags = ["--samples=4", "--text=ba"]
    drawn = ask(trained("names"), "sample", *flags)
    assert len(drawn) == 4 and all(name.startswith("ba") for name in drawn)
    flags = ["--mode=sample", "--workdir=run", *flags, "--steps=9"]
    code, out, err = run("names", *flags, cwd=trained("names").folder)
    assert code == 2 and "--steps" in err and out == ""


@uses("agreement")
def test_a_verb_agrees(trained):
    text = "--text=the cats , which ate ,"
    rows = [line.split() for line in ask(trained("agreement"), "agree", text)]
    assert [verb for _, verb in rows] == ["was", "were"]
    assert sum(float(p) for p, _ in rows) == pytest.approx(1, abs=1e-3)


@uses("speech_recognition")
def test_a_recogniser_writes_down_whole_and_in_pieces(trained, tmp_path):
    speech = trained("speech_recognition")
    voices = np.random.default_rng(0)
    sound = speak("one two three four", draw_voice(voices, high=True), voices)
    path = tmp_path / "said.wav"
    scipy.io.wavfile.write(path, RATE, sound)
    (whole,) = ask(speech, "transcribe", f"--wav={path}", "--beam=1")
    pieces = ask(speech, "transcribe", f"--wav={path}", "--streaming")
    assert len(pieces) > 2 and pieces[-1] == whole != ""
    assert predict.load(speech.folder / "run").transcribe(path) == whole
    scipy.io.wavfile.write(path, 2 * RATE, np.stack([sound, sound], axis=1))
    *notes, _ = ask(speech, "transcribe", f"--wav={path}")
    assert [note.split(": ")[0] for note in notes] == [str(path)] * 2
    for damage, named in ((b"", "this file is empty"), (b"RIFF", "no WAV file")):
        path.write_bytes(damage)
        flags = ["--mode=transcribe", "--workdir=run", f"--wav={path}"]
        code, out, err = run("speech_recognition", *flags, cwd=speech.folder)
        assert code == 1 and out == "" and len(err.splitlines()) == 1
        assert f"{path}: {named}" in err
