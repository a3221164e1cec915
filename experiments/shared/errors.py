"""What a user asked for and cannot have."""


class UsageError(Exception):
    """Flags that cannot be followed; the message says why in one sentence."""
