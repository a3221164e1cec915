"""The forms to play over, in C, and the scales that go with their chords."""

FORMS = {
    "major": (
        "Dm7 | G7 | Cmaj7 | Cmaj7 | Dm7 | G7 | Cmaj7 | Cmaj7",
        "Dm7 | G7 | Cmaj7 | A7b9 | Dm7 | G7 | Cmaj7 | Cmaj7",
        "Dm7 G7 | Cmaj7 | Dm7 G7 | Cmaj7 | Em7 A7b9 | Dm7 G7 | Cmaj7 | Cmaj7",
    ),
    "minor": (
        "Dm7b5 | G7b9 | Cm6 | Cm6 | Dm7b5 | G7b9 | Cm6 | Cm6",
        "Dm7b5 G7b9 | Cm6 | Fm7 | Cm6 | Abmaj7 | Dm7b5 G7b9 | Cm6 | Cm6",
    ),
    "blues": (
        "C7 | C7 | C7 | C7 | F7 | F7 | C7 | C7 | G7 | F7 | C7 | G7",
        "C7 | F7 | C7 | Gm7 C7 | F7 | F#dim7 | C7 | Em7b5 A7b9 | Dm7 | G7 | C7 A7b9 | "
        "Dm7 G7",
    ),
}
SCALES = {  # semitones above the root
    "maj7": (0, 2, 4, 5, 7, 9, 11),
    "7": (0, 2, 4, 5, 7, 9, 10),
    "m7": (0, 2, 3, 5, 7, 9, 10),
    "m7b5": (0, 1, 3, 5, 6, 8, 10),
    "7b9": (0, 1, 4, 5, 7, 8, 10),
    "m6": (0, 2, 3, 5, 7, 9, 11),
    "dim7": (0, 2, 3, 5, 6, 8, 9, 11),
}
BLUE = (3, 6)  # above the tonic of a blues, in the scale of every chord of it

# Rhythms of half a bar, in ticks of a twelfth of a beat, and how often each genre has
# them: eighths run in major, minor is slower, the blues has triplets.
RHYTHMS = {
    (6, 6, 6, 6): {"major": 8, "minor": 4, "blues": 3},
    (12, 6, 6): {"major": 3, "minor": 3, "blues": 2},
    (6, 6, 12): {"major": 3, "minor": 3, "blues": 3},
    (6, 12, 6): {"major": 1, "minor": 2, "blues": 2},
    (18, 6): {"major": 1, "minor": 3, "blues": 1},
    (12, 12): {"major": 1, "minor": 2, "blues": 1},
    (24,): {"major": 0.5, "minor": 2, "blues": 1},
    (4, 4, 4, 12): {"major": 0.5, "minor": 0.5, "blues": 4},
    (12, 4, 4, 4): {"major": 0.5, "minor": 0.5, "blues": 3},
    (3, 3, 6, 6, 6): {"major": 1, "minor": 0.5, "blues": 0.5},
}
LONG = (24,), (12, 12)  # are likelier where a phrase of four bars ends
