"""Speech, written down letter by letter: many to many, of unequal lengths."""
