"""Trained models answer through their scripts' modes."""

import pytest
from processes import result_of, run

TINY = ["--data=text.txt", "--steps=60", "--batch_size=4", "--features=16", "--bptt=16"]


@pytest.mark.parametrize("kind", ["--level=char", "--level=word", "--sentences"])
def test_a_language_model_scores_ranks_and_samples(kind, tmp_path):
    (tmp_path / "text.txt").write_text("the cat was full\nthe cats were full\n" * 40)
    result = result_of("language_model", *TINY, kind, "--workdir=run", cwd=tmp_path)
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


def test_rescoring_puts_first_what_people_say(tmp_path):
    (tmp_path / "text.txt").write_text("the apple and the pear\ntwo sons\n" * 40)
    result_of("language_model", *TINY, "--workdir=model", cwd=tmp_path)
    pair, pear = "the apple and the pair", "the apple and the pear"
    lists = (f"{i}\t0.5\t{pair}\t0\n{i}\t0\t{pear}\t1\n" for i in range(8))
    (tmp_path / "lists.tsv").write_text("".join(lists))
    flags = ["--model=model", "--data=lists.tsv", "--workdir=run"]
    result = result_of("rescoring", *flags, cwd=tmp_path)
    assert result["score"] == 1 > result["baseline"]
    ranked = (tmp_path / "run" / "ranked.tsv").read_text().splitlines()
    assert [line[-1] for line in ranked[::2]] == ["1"] * 8


def test_one_direction_cannot_know_what_follows(tmp_path):
    flags = ["--tags=binary", "--steps=120", "--buckets=1", "--features=32"]
    flags += ["--eval_every=120", "--dropout=0.2"]
    for direction in ("--bidirectional", "--nobidirectional"):
        where = f"--workdir=run{direction}"
        result = result_of("name_entity", *flags, direction, where, cwd=tmp_path)
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
    result = result_of("sentiment", *flags, cwd=tmp_path)
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
    result = result_of("translation", *flags, cwd=tmp_path)
    assert result["score"] > result["copying"]

    def ask(text, *more):
        ask = ["--mode=translate", "--workdir=run", f"--text={text}", *more]
        code, out, err = run("translation", *ask, cwd=tmp_path)
        assert code == 0 and not err, err
        return out.strip()

    assert ask("ba bi ba ba").startswith("BA BA ")
    assert ask("jeje") == "jeje", "no other word is there to copy"
    assert "<UNK>" not in ask("ju ba") and "jeje" not in ask("jeje", "--unknown=mask")


def test_names_and_verbs_are_drawn(tmp_path):
    short = ["--steps=5", "--features=6", "--buckets=1", "--workdir=run"]
    result_of("names", "--dataset=synthetic", *short, "--samples=9", cwd=tmp_path)
    flags = ["--mode=sample", "--workdir=run", "--samples=4", "--text=ba"]
    code, out, err = run("names", *flags, cwd=tmp_path)
    assert code == 0 and not err, err
    assert len(out.splitlines()) == 4
    assert all(name.startswith("ba") for name in out.splitlines())
    code, out, err = run("names", *flags, "--steps=9", cwd=tmp_path)
    assert code == 2 and "--steps" in err and out == ""
    short[-1] = "--workdir=verbs"
    result_of("agreement", "--cell=gru", *short, cwd=tmp_path)
    flags = ["--mode=agree", "--workdir=verbs", "--text=the cats , which ate ,"]
    code, out, err = run("agreement", *flags, cwd=tmp_path)
    assert code == 0 and not err, err
    rows = [line.split() for line in out.splitlines()]
    assert [verb for _, verb in rows] == ["was", "were"]
    assert sum(float(p) for p, _ in rows) == pytest.approx(1, abs=1e-3)
