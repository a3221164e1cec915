"""A jazz solo over chords, event by event."""
