"""A recogniser of speech: pieces equal the whole, beams help, what is refused."""

import dataclasses

import jax
import numpy as np
import pytest

from experiments.speech_recognition.report import draw_attention
from experiments.speech_recognition.utterance import Utterance
from seqjax import GRU, LSTM, Bidirectional, predict
from seqjax.audio import MFCC, FrontEnd, LogMel, Sound
from seqjax.data import Tokenizer, Vocabulary
from seqjax.models import EncoderDecoder, LanguageModel, Transcriber
from seqjax.predict import LanguagePredictor, SpeechPredictor

LETTERS = Vocabulary.build(["abc "])
MEL = LogMel(4000, 100, 40, 8)
FRONT = FrontEnd(MEL, "corpus", stack=2, mean=(-40.0,) * 8, std=(3.0,) * 8)


def predictor(model, front=FRONT, scale=2.0):
    """With random weights, large enough to write various letters."""
    made = SpeechPredictor(model, front, LETTERS, longest=6)
    variables = predict.init(made, jax.random.key(3))
    variables = jax.tree.map(lambda a: scale * a, variables)
    return dataclasses.replace(made, variables=variables)


def sounds(*lengths):
    rng = np.random.default_rng(0)
    t = np.arange(max(lengths)) / 4000
    tone = 0.1 * np.sin(2 * np.pi * (300 + 900 * np.sin(9 * t)) * t)
    noisy = [tone[:n] * np.exp(rng.normal(size=n)) for n in lengths]
    return [Sound(samples.astype(np.float32), 4000) for samples in noisy]


def causal():
    return predictor(Transcriber(GRU(7), len(LETTERS), LETTERS.eos))


def test_pieces_give_the_text_of_the_whole():
    speech = causal()
    (sound,) = sounds(6001)
    whole = speech.transcribe(sound)
    assert len(whole) > 5
    for cuts in ([], [1, 90, 101, 2000, 2003], list(range(0, 6001, 333))):
        texts = list(speech.follow(np.split(sound.samples, cuts)))
        assert texts[-1] == whole
        assert all(b.startswith(a) for a, b in zip(texts, texts[1:], strict=False))


def test_no_unknown_letter_is_ever_written():
    speech = causal()
    readout = speech.variables["params"]["readout"]
    bias = readout["bias"].at[LETTERS.unk].add(50.0)
    params = speech.variables["params"] | {"readout": readout | {"bias": bias}}
    speech = dataclasses.replace(speech, variables={"params": params})
    (sound,) = sounds(3000)
    texts = [speech.transcribe(sound), *speech.follow([sound.samples])]
    texts += [h.text for h in speech.n_best(speech.batches([speech.inputs(sound)]))[0]]
    assert any(texts) and not any("<UNK>" in text for text in texts)


def test_what_looks_ahead_does_not_follow():
    both = predictor(Transcriber(Bidirectional(LSTM(3)), len(LETTERS), LETTERS.eos))
    ahead = FrontEnd(MFCC(MEL, 4), order=1)
    model = Transcriber(LSTM(3), len(LETTERS), LETTERS.eos)
    for speech in (both, predictor(model, ahead)):
        with pytest.raises(ValueError, match="needs the whole sound"):
            next(speech.follow([np.zeros(10)]))


def test_sounds_of_a_batch_are_heard_as_alone():
    speech = causal()
    three = sounds(3000, 700, 1501)
    together = speech.transcribe(three)
    assert together == [speech.transcribe(sound) for sound in three]
    batches = speech.batches([speech.inputs(s) for s in three])
    beams = speech.n_best(batches, beam=8)
    for sound, heard in zip(three, beams, strict=True):
        alone = speech.n_best(speech.batches([speech.inputs(sound)]), beam=8)[0]
        assert [h.text for h in alone] == [h.text for h in heard]
        scores = [h.acoustic for h in heard]
        assert scores == sorted(scores, reverse=True)


def test_a_language_model_decides_what_sounds_alike():
    speech = causal()
    tokenizer = Tokenizer.build(["ab", "c b"], "chars")
    model = LanguageModel(LSTM(4), len(tokenizer.tokens))
    language = LanguagePredictor(model, tokenizer, stream=False)
    variables = predict.init(language, jax.random.key(1))
    language = dataclasses.replace(language, variables=variables)
    batches = speech.batches([speech.inputs(s) for s in sounds(900, 450)])
    heard = speech.n_best(batches, beam=6, language=language, weight=0.8, bonus=0.3)
    for hypotheses in heard:
        for one in hypotheses:
            if one.text:
                (log_p,) = language.log_probs([one.text])
                assert one.language == pytest.approx(log_p.sum(), abs=1e-4)
        totals = [h.acoustic + 0.8 * h.language + 0.3 * len(h.text) for h in hypotheses]
        assert totals == sorted(totals, reverse=True)
    words = Tokenizer.build(["one two"], "words")
    wrong = LanguagePredictor(LanguageModel(LSTM(4), len(words.tokens)), words, False)
    with pytest.raises(ValueError, match="must be one of characters"):
        speech.n_best(batches, language=wrong)


def test_an_attending_decoder_writes_too(tmp_path):
    model = EncoderDecoder(
        Bidirectional(LSTM(4)), LSTM(5), None, len(LETTERS), embedding=3
    )
    speech = predictor(model)
    three = sounds(900, 300, 500)
    texts = speech.transcribe(three)
    assert texts == [speech.transcribe(sound) for sound in three]
    inputs = [speech.inputs(sound) for sound in three]
    weights = speech.attention_weights(inputs, texts)
    for row, sound, text in zip(weights, inputs, texts, strict=True):
        assert row.shape == (len(text) + 1, len(sound))
        np.testing.assert_allclose(row.sum(axis=1), 1, rtol=1e-5)
    letters = np.array([*LETTERS.encode(texts[1])])[None]
    whole = inputs[1][None], np.array([len(inputs[1])]), letters
    (alone,) = model.apply(speech.variables, *whole, method="attention_weights")
    np.testing.assert_allclose(weights[1], alone, rtol=1e-5)
    assert (weights[1] > 0).all()
    predict.save(tmp_path, speech)
    loaded = predict.load(tmp_path, SpeechPredictor)
    assert loaded.front == speech.front and loaded.transcribe(three) == texts


def test_attention_over_sound_is_drawn_for_what_is_written(tmp_path, monkeypatch):
    model = EncoderDecoder(GRU(4), LSTM(5), None, len(LETTERS), embedding=3)
    speech, (sound,), text = predictor(model), sounds(900), "cab a"
    monkeypatch.setattr(SpeechPredictor, "texts", lambda *_: [text])
    inputs = speech.inputs(sound)

    class Run:
        def figure(self, draw, name, *args, **options):
            self.drawn = draw(tmp_path / f"{name}.png", *args, **options)

    run = Run()
    draw_attention(run, speech, inputs, Utterance("one", sound.samples, "abc", "her"))
    _, below, *_ = run.drawn.axes
    (image,) = below.get_images()
    (weights,) = speech.attention_weights([inputs], [text])
    np.testing.assert_allclose(image.get_array(), weights, rtol=1e-6)
    named = [t.get_text() for t in below.get_yticklabels()]
    assert named == [*(letter.replace(" ", "space") for letter in text), "end"]


def test_saved_and_loaded(tmp_path):
    speech = causal()
    predict.save(tmp_path, speech)
    (sound,) = sounds(2000)
    assert predict.load(tmp_path).transcribe(sound) == speech.transcribe(sound)


def test_what_is_refused():
    speech = causal()
    (sound,) = sounds(50)
    with pytest.raises(ValueError, match="must have 0.025 seconds or more"):
        speech.transcribe(sound)
    with pytest.raises(ValueError, match="hears 4000 samples a second, not 8000"):
        speech.transcribe(sound._replace(rate=8000))
    with pytest.raises(ValueError, match="has no attention"):
        speech.attention_weights([], [])
    with pytest.raises(ValueError, match="the blank must be"):
        SpeechPredictor(Transcriber(LSTM(2), len(LETTERS), 3), FRONT, LETTERS)
