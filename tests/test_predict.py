"""Predictors: they answer as their models do, and are saved and loaded whole."""

import dataclasses
import functools
import json
import os
import re
import subprocess
import sys

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from model_data import apply, shapes_of
from random_data import random_like

from seqjax import Bidirectional, Stack, predict, sealed
from seqjax.cells import GRU, LSTM, Elman
from seqjax.data import Batches, DataError, Lexicon, Tokenizer
from seqjax.data.tokenize import CASINGS, split_words
from seqjax.masks import from_lengths
from seqjax.models import (
    Classifier,
    EncoderDecoder,
    LanguageModel,
    Tagger,
    WordFeatures,
    remember,
)
from seqjax.predict import (
    ClassPredictor,
    LanguagePredictor,
    TagPredictor,
    TranslationPredictor,
    batched,
    load,
    save,
)

LINES = ["anna", "had a banana", "b", "nab hanna"]
SENTENCES = [s.split() for s in ("Harry met 12 cats .", "no", "NATO met Harry")]
SOURCES = ["a b c", "c", "b , a"]
TARGETS = ["A B", "C .", "B A C A"]


def with_variables(predictor, seed=3):
    """The predictor with random variables, in the dtype that it is trained in."""
    drawn = random_like(shapes_of(predictor.model, *predictor.example()), seed)
    variables = jax.tree.map(lambda a: jnp.float32(1.5 * a), drawn)
    return dataclasses.replace(predictor, variables=variables)


def words_model(lexicon, width=4):
    sizes = len(lexicon.words), len(lexicon.letters), len(CASINGS)
    return WordFeatures(*sizes, width, Bidirectional(GRU(2)))


@functools.cache
def language(kind="chars", stream=False):
    tokenizer = Tokenizer.build(LINES, kind)
    model = LanguageModel(Stack((GRU(5), LSTM(4))), len(tokenizer.tokens), 3)
    return with_variables(LanguagePredictor(model, tokenizer, stream, {"a": 2}))


@functools.cache
def tagger(labels=("O", "I-LOC", "I-PER"), crf=True):
    lexicon = Lexicon.build(SENTENCES, 1)
    logits = 1 if len(labels) == 2 else len(labels)
    model = Tagger(Bidirectional(LSTM(3)), logits, words_model(lexicon), crf)
    return with_variables(TagPredictor(model, lexicon, labels))


@functools.cache
def rater(classes=(1, 2, 5)):
    lexicon = Lexicon.build(SENTENCES, 1)
    model = Classifier(Bidirectional(GRU(3)), len(classes), words_model(lexicon))
    return with_variables(ClassPredictor(model, lexicon, classes, longest=4))


@functools.cache
def verb():
    tokenizer = Tokenizer.build(LINES, "spaced")
    model = Classifier(GRU(4), 1, nn.Embed(len(tokenizer.tokens), 3))
    return with_variables(ClassPredictor(model, tokenizer, ("was", "were")))


@functools.cache
def neighbors():
    predictor = language()
    learned = Batches([predictor.tokenizer.encode(line) for line in LINES], 2)
    model, variables = remember(predictor.model, predictor.variables, learned.once())
    return dataclasses.replace(predictor, model=model, variables=variables)


@functools.cache
def translator(attention="additive"):
    source, target = (
        Tokenizer.build(SOURCES, "words"),
        Tokenizer.build(TARGETS, "words"),
    )
    sizes = len(source.tokens), len(target.tokens)
    model = EncoderDecoder(Bidirectional(GRU(3)), LSTM(4), *sizes, 4, attention)
    predictor = TranslationPredictor(model, source, target, longest=6)
    return with_variables(predictor, seed=7)


ANSWERS = {
    "language": (language, lambda p: [p.score("hanna"), p.sample("a", seed=2)]),
    "stream": (lambda: language(stream=True), lambda p: [p.rank("an", 3)]),
    "neighbors": (neighbors, lambda p: [p.score("nab"), p.sample("a", seed=2)]),
    "tags": (tagger, lambda p: [p.tag("Harry met, 2"), p.labels]),
    "classes": (rater, lambda p: [p.classify("Harry!"), p.rate("cats")]),
    "verb": (verb, lambda p: [p.classify("a banana"), p.longest]),
    "translation": (translator, lambda p: [p.translate(["a zz", "b , a c"])]),
}
SCRIPT = """
import json, sys
sys.path.insert(0, "tests")
from conftest import *
from test_predict import ANSWERS, load
for name, (_, ask) in ANSWERS.items():
    print(json.dumps(ask(load(f"{sys.argv[1]}/{name}"))))
"""


def test_a_loaded_predictor_gives_the_same_answers_in_another_process(tmp_path):
    expected = []
    for name, (make, ask) in ANSWERS.items():
        save(tmp_path / name, make())
        expected.append(json.loads(json.dumps(ask(make()))))
        read = load(tmp_path / name, type(make()))
        assert repr(dataclasses.replace(read, variables=None)) == repr(
            dataclasses.replace(make(), variables=None)
        )
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in found.stdout.splitlines()] == expected


each_stream = pytest.mark.parametrize("stream", [False, True], ids=["lines", "stream"])


@each_stream
def test_scores_sum_to_the_models_own_loss(stream):
    predictor = language(stream=stream)
    model, eos = predictor.model, predictor.tokenizer.vocabulary.eos
    scores = predictor.log_probs(LINES, buckets=1)
    assert [len(each) for each in scores] == [len(line) + 1 for line in LINES]
    for text, each in zip(LINES[:2], scores, strict=False):
        ids = jnp.asarray(predictor.tokenizer.encode(text))[None]
        if stream:
            read = jnp.concatenate([jnp.array([[eos]]), ids[:, :-1]], axis=1)
            arguments = predictor.initial_carry(1), read, ids
            nats = apply(model, predictor.variables, *arguments, method="stream")[1]
        else:
            lengths = jnp.array([ids.size])
            nats = apply(model, predictor.variables, ids, lengths, method="loss")
        np.testing.assert_allclose(each.sum(), -nats.total, rtol=1e-5)
        tokens, log_p = zip(*predictor.score(text), strict=True)
        assert tokens == (*text, "<EOS>")
        np.testing.assert_allclose(log_p, each, rtol=1e-5)


def test_the_nats_of_lines_are_those_of_their_tokens():
    predictor = language()
    encoded = [predictor.tokenizer.encode(line) for line in LINES]
    nats = predictor.nats(Batches(encoded, 3, buckets=2))
    assert nats.weight == sum(map(len, encoded))
    each = np.concatenate(predictor.log_probs(LINES))
    np.testing.assert_allclose(nats.total, -each.sum(), rtol=1e-5)


def test_the_nats_of_a_stream_are_those_of_its_tokens(monkeypatch):
    """In one stream; in several, each begins anew."""
    monkeypatch.setattr(predict.language, "PIECE", 10)
    predictor = language(stream=True)
    lines = [LINES[i % 4] for i in range(40)]
    text = np.concatenate([predictor.tokenizer.encode(line) for line in lines])[:241]
    whole = predictor.nats_of_stream(text)
    assert whole.weight == 240
    first = predictor.log_probs(["anna\nhad a banana\nb"])[0]
    assert len(first) == 20
    part = predictor.nats_of_stream(np.append(predictor.first, text[:20]))
    np.testing.assert_allclose(part.total, -first.sum(), rtol=1e-5)
    several = predictor.nats_of_stream(text, streams=3)
    assert several.weight == 240
    assert several.result() == pytest.approx(whole.result(), rel=0.1)
    assert several.total != whole.total


@each_stream
def test_rank_is_the_sorted_distribution_that_score_is_of(stream):
    predictor = language(stream=stream)
    every = len(predictor.tokenizer.tokens)
    for text in ("", "an"):
        ranked = predictor.rank(text, k=every + 7)
        tokens, p = zip(*ranked, strict=True)
        assert set(tokens) == set(predictor.tokenizer.tokens)
        assert list(p) == sorted(p, reverse=True)
        np.testing.assert_allclose(sum(p), 1, rtol=1e-6)
        last = predictor.score(f"{text}b"[:3].ljust(3, "a"))[len(text)]
        assert last[0] == "b"
        np.testing.assert_allclose(np.exp(last[1]), dict(ranked)["b"], rtol=1e-5)
    short = [token for token, _ in predictor.rank(text, 2)]
    assert short == [token for token, _ in ranked[:2]]


@each_stream
def test_stepping_by_hand_is_scoring(stream):
    predictor = language(stream=stream)
    ids = predictor.tokenizer.encode("banana")
    carry, token = predictor.initial_carry(1), np.array([predictor.first])
    for (_, log_p), following in zip(predictor.score("banana"), ids, strict=True):
        carry, logits = predictor.step(carry, token)
        each = jax.nn.log_softmax(logits)[0, following]
        np.testing.assert_allclose(each, log_p, rtol=1e-4)
        token = np.array([following])


@pytest.mark.parametrize("kind", ["chars", "spaced"])
@each_stream
def test_samples_repeat_with_their_seed_and_keep_what_is_given(kind, stream):
    predictor = language(kind, stream)
    given = "a ñ" if kind == "spaced" else "añ"
    draw = functools.partial(predictor.sample, given, count=5, length=7)
    one, again, other = draw(seed=1), draw(seed=jax.random.key(1)), draw(seed=2)
    assert one == again != other
    assert len(set(one)) > 1
    assert all(text.startswith(given) for text in one), "an unknown token stays"
    drawn = [predictor.tokenizer.tokenize(text[len(given) :]) for text in one + other]
    assert "<UNK>" not in sum(drawn, [])
    assert max(map(len, drawn)) <= 7
    assert any("\n" in text for text in one + other) <= stream


def test_greedy_samples_are_the_first_in_rank():
    predictor = language(stream=True)
    (text,) = predictor.sample("an", length=2, temperature=0)
    known = "an"
    for token in text[2:]:
        best = [t for t, _ in predictor.rank(known) if t != "<UNK>"]
        assert best[0].replace("<EOS>", "\n") == token
        known += token


def test_a_line_break_is_an_end_of_line_in_a_stream():
    predictor = language(stream=True)
    tokens = [token for token, _ in predictor.score("b\na")]
    assert tokens == ["b", "<EOS>", "a", "<EOS>"]
    with pytest.raises(ValueError, match="reads one line"):
        language().rank("b\na")


def words_of(predictor, sentences):
    """A padded batch of all sentences, and their lengths."""
    batch = next(Batches([predictor.lexicon.encode(s) for s in sentences], 9).once())
    return batch.values, batch.lengths.word


KINDS = {
    "crf": (("O", "I-LOC", "I-PER"), True),
    "softmax": (("O", "I-LOC", "I-PER"), False),
    "binary": (("O", "I-NAME"), False),
}


@pytest.mark.parametrize(("labels", "crf"), KINDS.values(), ids=KINDS.keys())
def test_tags_are_the_models_own(labels, crf):
    predictor = tagger(labels, crf)
    inputs = words_of(predictor, SENTENCES)
    call = functools.partial(apply, predictor.model, predictor.variables, *inputs)
    batches = predictor.batches(SENTENCES, batch_size=2, buckets=2)
    expected, p = call(method="tag"), call(method="probabilities")
    rows = zip(predictor.tags(batches), predictor.probabilities(batches), strict=True)
    for i, (tags, each) in enumerate(rows):
        length = len(SENTENCES[i])
        assert tags == tuple(labels[t] for t in expected[i, :length].tolist())
        assert each.shape == (length, len(labels))
        np.testing.assert_allclose(each.sum(-1), 1, rtol=1e-5)
        np.testing.assert_allclose(each[:, -1], p[i, :length, -1], rtol=1e-5)
    assert len({tag for tags in predictor.tags(batches) for tag in tags}) > 1


def test_a_sentence_is_tagged_in_iob2():
    predictor = tagger(crf=False)
    text = "Harry met, no 12 cats"
    words, tags = zip(*predictor.tag(text), strict=True)
    assert words == tuple(split_words(text))
    assert predictor.tag(words) == predictor.tag(text)
    (plain,) = predictor.tags(predictor.batches([words]))
    assert [tag[1:] for tag in tags] == [tag[1:] for tag in plain]
    starts = [
        t for last, t in zip(("O", *tags), tags, strict=False) if last[1:] != t[1:]
    ]
    assert starts and all(tag[0] != "I" for tag in starts)


def test_classes_are_the_models_own():
    predictor = rater()
    texts = ["Harry met 12 cats . and more", "no", "NATO met Harry", "", "?"]
    batches = predictor.batches(texts, batch_size=2, buckets=2)
    p = predictor.probabilities(batches)
    cut = [
        ["Harry", "met", "12", "cats"],
        ["no"],
        ["NATO", "met", "Harry"],
        ["?"],
        ["?"],
    ]
    batch = next(Batches([predictor.codec.encode(words) for words in cut], 9).once())
    inputs = batch.values, batch.lengths.word
    expected = jax.nn.softmax(apply(predictor.model, predictor.variables, *inputs))
    np.testing.assert_allclose(p, expected[:5], rtol=1e-5)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)
    each = predictor.classify(texts[2])
    np.testing.assert_allclose(list(each.values()), p[2], rtol=1e-5)
    assert list(each) == [1, 2, 5]
    expectation = each[1] + 2 * each[2] + 5 * each[5]
    assert predictor.rate(texts[2]) == pytest.approx(expectation)


def test_one_logit_is_the_second_class():
    predictor = verb()
    ids = jnp.asarray(predictor.codec.encode("nab a", eos=False))[None]
    logit = apply(predictor.model, predictor.variables, ids, jnp.array([2]))
    p = predictor.classify("nab a")
    np.testing.assert_allclose(p["were"], jax.nn.sigmoid(logit[0, 0]), rtol=1e-5)
    np.testing.assert_allclose(p["was"] + p["were"], 1, rtol=1e-6)
    assert abs(p["were"] - 0.5) > 0.01


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("attention", ["additive", "none"])
def test_translations_are_by_batch_what_they_are_alone(attention, beam):
    predictor = translator(attention)
    texts, options = [*SOURCES, "b zz a", "b"], {"beam": beam, "batch_size": 2}
    found = predictor.translate(texts, **options)
    assert found == [predictor.translate(text, **options) for text in texts]
    assert found == predictor.translate(texts, **options, buckets=2)
    assert len(set(found)) > 2
    assert not any("UNK" in text for text in found)


def test_a_wide_beam_finds_the_likeliest_translation():
    predictor = dataclasses.replace(translator(), longest=2)
    tokenizer, vocabulary = predictor.target, predictor.target.vocabulary
    size = len(tokenizer.tokens)
    source = jnp.asarray(predictor.source.encode("b a"))[None]
    allowed = [i for i in range(size) if i not in (vocabulary.unk,)]
    ways = [(vocabulary.eos, vocabulary.eos)]
    ways += [(i, j) for i in allowed[1:] if i != vocabulary.eos for j in allowed]
    ways += [(allowed[0], j) for j in allowed if allowed[0] != vocabulary.eos]
    targets = jnp.array(ways)
    lengths = jnp.where(targets[:, 0] == vocabulary.eos, 1, 2)
    many = jnp.repeat(source, len(ways), 0), jnp.full(len(ways), 3)
    logits = apply(predictor.model, predictor.variables, *many, targets, lengths)
    log_p = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1)
    total = jnp.where(from_lengths(lengths, 2).T, log_p[..., 0], 0).sum(1)
    best = tokenizer.decode(ways[int(total.argmax())])
    options = {"length_penalty": 0.0, "copy_unknown": False}
    assert predictor.translate("b a", beam=len(ways), **options) == best


def test_an_unknown_word_is_copied_from_where_attention_points():
    predictor = translator()
    unk = predictor.target.vocabulary.unk
    b = predictor.variables["params"]["readout"].b.at[unk].add(99.0)
    params = predictor.variables["params"]
    readout = params["readout"]._replace(b=b)
    sure = dataclasses.replace(
        predictor, variables={"params": params | {"readout": readout}}
    )
    text = "a zz b"
    written = sure.translate(text, beam=1).split()
    assert len(written) == sure.longest and set(written) <= set(text.split())
    (weights,) = sure.attention_weights([text], [["<UNK>"] * sure.longest])
    expected = [text.split()[i] for i in weights[:-1, :3].argmax(1)]
    assert written == expected
    masked = sure.translate(text, beam=1, copy_unknown=False)
    assert masked == predictor.translate(text, beam=1, copy_unknown=False)


def test_attention_weights_are_distributions():
    predictor = translator()
    texts, written = ["b b a c", "c"], ["B A", ["C", "A", "B"]]
    found = predictor.attention_weights(texts, written, buckets=2)
    assert [weights.shape for weights in found] == [(3, 5), (4, 2)]
    for weights in found:
        np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)


TRACES = []


class Counting(LanguageModel):
    """Counts how often it is traced."""

    def loss(self, *arguments, **options):
        TRACES.append(self.name)
        return super().loss(*arguments, **options)


def test_new_variables_of_equal_models_compile_nothing(monkeypatch):
    """By the very programs of the predictors."""
    monkeypatch.undo()
    assert predict.language.apply is batched.apply
    predictor = language()
    batches = Batches([predictor.tokenizer.encode(line) for line in LINES], 4)
    TRACES.clear()
    totals = []
    for scale in (1.0, 0.5, 0.25):
        model = Counting(Stack((GRU(5), LSTM(4))), predictor.model.vocabulary, 3)
        variables = jax.tree.map(lambda a, s=scale: s * a, predictor.variables)
        asked = dataclasses.replace(predictor, model=model, variables=variables)
        totals.append(asked.nats(batches).total)
    assert len(set(totals)) == 3 and len(TRACES) == 1


class Ensemble(nn.Module):
    """The mean of two models' distributions, with the methods of a language model."""

    models: tuple[LanguageModel, LanguageModel]

    def __call__(self, tokens, lengths):
        return [model(tokens, lengths) for model in self.models]

    def initial_carry(self, rows):
        return [model.initial_carry(rows) for model in self.models]

    def step(self, carry, token):
        stepped = [m.step(c, token) for m, c in zip(self.models, carry, strict=True)]
        p = jnp.mean(jnp.stack([jax.nn.softmax(logits) for _, logits in stepped]), 0)
        return [carry for carry, _ in stepped], jnp.log(p)


def test_an_ensemble_is_asked_as_a_model_is():
    one = language()
    size = one.model.vocabulary
    both = Ensemble((LanguageModel(GRU(3), size), LanguageModel(Elman(4), size)))
    predictor = with_variables(LanguagePredictor(both, one.tokenizer, False))
    np.testing.assert_allclose(sum(p for _, p in predictor.rank("a", 99)), 1, rtol=1e-5)
    p = [
        np.exp(
            LanguagePredictor(
                model,
                one.tokenizer,
                False,
                variables={"params": predictor.variables["params"][f"models_{i}"]},
            ).score("b")[0][1]
        )
        for i, model in enumerate(both.models)
    ]
    np.testing.assert_allclose(
        np.exp(predictor.score("b")[0][1]), np.mean(p), rtol=1e-5
    )


BAD = {
    "there is no text to score": lambda: language().score(""),
    "k must be at least 1, not 0": lambda: language().rank("a", 0),
    "count must be at least 1, not 0": lambda: language().sample(count=0),
    "length must be at least 1, not -1": lambda: language().sample(length=-1),
    "temperature must be 0 or more": lambda: language().sample(temperature=-1.0),
    "there is no word to tag": lambda: tagger().tag("  "),
    "a sentence needs at least one word": lambda: tagger().batches([["a"], []]),
    "the text is blank; give a text": lambda: rater().classify(" \n"),
    r"\('was', 'were'\) are no numbers": lambda: verb().rate("a"),
    "there is no token in the text": lambda: verb().batches(["a", " "]),
    "text 2 of 2 is blank": lambda: translator().translate(["a", ""]),
    "width must be at least 1: 0": lambda: translator().translate("a", beam=0),
    "model has 3 labels, but 4": lambda: dataclasses.replace(tagger(), labels="abcd"),
    "model has 3 classes, but 2": lambda: dataclasses.replace(rater(), classes=(1, 2)),
    "longest must be at least 1": lambda: dataclasses.replace(rater(), longest=0),
    "tokens, but the tokenizer 2": lambda: dataclasses.replace(
        language(), tokenizer=Tokenizer.build([""], "chars")
    ),
    "tokens, but the tokenizers": lambda: dataclasses.replace(
        translator(), target=language().tokenizer
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_questions_are_one_sentence(message):
    with pytest.raises(ValueError, match=message) as error:
        BAD[message]()
    assert "\n" not in str(error.value)


FILE = "model.safetensors"


def flip(folder, place):
    content = bytearray((folder / FILE).read_bytes())
    content[place] ^= 1
    (folder / FILE).write_bytes(content)


def described(change):
    """A damage: another description, with its right digest."""

    def rewrite(folder):
        data = json.loads(sealed.read(folder / FILE).text["predictor"])
        text = {"predictor": json.dumps(change(data) or data)}
        sealed.write(folder / FILE, language().variables, text)

    return rewrite


def with_arrays(change):
    """A damage: other arrays, with their right digest."""

    def rewrite(folder):
        text = sealed.read(folder / FILE).text
        sealed.write(folder / FILE, change(language().variables), text)

    return rewrite


def of_wider(variables):
    del variables
    tokenizer = language().tokenizer
    wider = LanguageModel(Stack((GRU(5), LSTM(4))), len(tokenizer.tokens), 4)
    return with_variables(LanguagePredictor(wider, tokenizer, False)).variables


DAMAGE = {
    "No such file": lambda f: (f / FILE).unlink(),
    "this file is damaged, or not of seqjax": lambda f: flip(f, -9),
    "this file is damaged": lambda f: flip(f, 30),
    "this file is": lambda f: (f / FILE).write_bytes(b"3"),
    "this file": lambda f: (f / FILE).write_bytes((f / FILE).read_bytes()[:-1]),
    "no model that seqjax can read": lambda f: sealed.write(f / FILE, {}, {}),
    "params/embedding is missing from it": with_arrays(lambda _: {}),
    "params/embedding is F32 [8, 4] in it, where F32 [8, 3]": with_arrays(of_wider),
    "params/embedding is I32": with_arrays(
        lambda v: jax.tree.map(lambda a: a.astype("int32"), v)
    ),
    "it holds more, for which": with_arrays(lambda v: {**v, "more": np.ones(2)}),
    "params/embedding is not finite": with_arrays(
        lambda v: jax.tree.map(lambda a: a * np.nan, v)
    ),
    "os:system is refused": described(lambda data: data.update(type="os:system")),
    "not_there:X is needed, but the package not_there": described(
        lambda data: data["model"]["layer"].update(type="not_there:X")
    ),
    "a LSTM cannot be asked": described(
        lambda _: {"type": "seqjax.cells.lstm:LSTM", "features": 3}
    ),
    "seqjax.predict.language:LanguagePredictor: the model has": described(
        lambda data: data["model"].update(vocabulary=99)
    ),
    "the model cannot be built: tied": described(
        lambda data: data["model"].update(tied=True)
    ),
}


@pytest.mark.parametrize("message", DAMAGE)
def test_a_damaged_folder_is_one_sentence_that_names_the_file(tmp_path, message):
    save(tmp_path, language())
    DAMAGE[message](tmp_path)
    path = tmp_path / FILE
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}: {message}')}") as e:
        load(tmp_path)
    assert "\n" not in str(e.value)


def test_another_kind_of_model_is_named(tmp_path):
    save(tmp_path / "run", tagger())
    assert isinstance(load(tmp_path / "run", TagPredictor), TagPredictor)
    message = f"{tmp_path}/run holds a TagPredictor, not a LanguagePredictor"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        load(tmp_path / "run", LanguagePredictor)


def test_a_save_that_fails_leaves_the_file_whole(tmp_path, monkeypatch):
    save(tmp_path, language())
    before = (tmp_path / FILE).read_bytes()

    def fails(source, target):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="no space left"):
        save(tmp_path, language(stream=True))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).read_bytes() == before


def test_a_folder_is_made_and_holds_one_file(tmp_path):
    save(tmp_path / "a" / "b", language())
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == [FILE]
    text = sealed.read(tmp_path / "a" / "b" / FILE).text
    assert "variables" not in json.loads(text["predictor"])
    assert load(str(tmp_path / "a" / "b")).word_counts == {"a": 2}


@pytest.mark.parametrize("make", [language, verb], ids=["language", "verb"])
def test_variables_are_those_of_the_models_own_init(make):
    predictor = make()
    key = jax.random.key(5)
    expected = predictor.model.init(key, *predictor.example())
    chex.assert_trees_all_close(predict.init(predictor, key), expected, rtol=1e-6)
