"""Pixel videos of moving shapes, of which no single frame says what they do.

A shape moves on a torus, so that at each time every place is equally likely: a frame
alone says nothing. A movement and its opposite leave the same mean frame, so that the
mean is right in half of the videos at best. All frames tell everything.
"""

import numpy as np

from experiments.video_activity.video import Video

SIZE = 16  # pixels, of the height and of the width
ACTIVITIES = ("left", "right", "up", "down", "clockwise", "anticlockwise")
SHAPES = ("disc", "square", "cross")
NOISE = 0.15


def synthetic(videos: int = 2400, seed: int = 0) -> tuple[list[Video], float]:
    """Draws videos of 12 to 20 frames; the best share right is 1."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(videos):
        activity = ACTIVITIES[i % len(ACTIVITIES)]
        shape = SHAPES[rng.integers(len(SHAPES))]
        frames = moving(activity, shape, int(rng.integers(12, 21)), rng)
        made.append(Video(f"video {i}, {shape}", frames, activity))
    return made, 1.0


def moving(
    activity: str, shape: str, time: int, rng: np.random.Generator
) -> np.ndarray:
    """Draws a video of one shape, [T, SIZE, SIZE, 1] from 0 to 1."""
    start, speed = rng.uniform(0, SIZE, 2), rng.uniform(0.5, 1.2)
    radius, brightness = rng.uniform(1.8, 3.2), rng.uniform(0.6, 1.0)
    places = start + track(activity, speed, np.arange(time), rng.uniform(0, 2 * np.pi))
    grid = np.arange(SIZE)
    rows = _around(grid[None, :, None] - places[:, 0, None, None])
    columns = _around(grid[None, None, :] - places[:, 1, None, None])
    distance = _distance(shape, np.abs(rows), np.abs(columns), radius)
    frames = brightness * np.clip(radius - distance + 0.5, 0, 1)
    frames += NOISE * rng.normal(size=frames.shape)
    return np.clip(frames, 0, 1)[..., None].astype(np.float32)


def track(activity: str, speed: float, times: np.ndarray, phase: float) -> np.ndarray:
    """Returns where a shape is, as rows and columns from its start: [T, 2]."""
    ways = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
    if activity in ways:
        return speed * times[:, None] * np.array(ways[activity])
    turn = 1 if activity == "clockwise" else -1  # rows grow downward
    angles = phase + turn * speed * times / 4
    return 4 * np.stack([np.sin(angles), np.cos(angles)], axis=1)


def _around(offset: np.ndarray) -> np.ndarray:
    """Returns offsets on the torus, −SIZE / 2 … SIZE / 2."""
    return (offset + SIZE / 2) % SIZE - SIZE / 2


def _distance(shape: str, rows, columns, radius: float) -> np.ndarray:
    """Returns how far pixels are from a shape's centre, in the shape's own measure."""
    if shape == "disc":
        return np.hypot(rows, columns)
    if shape == "square":
        return np.maximum(rows, columns)
    arm = radius / 2  # a cross: within one arm or the other
    tall = np.maximum(rows, columns + radius - arm)
    return np.minimum(tall, np.maximum(columns, rows + radius - arm))
