"""The classic tasks of long memory: copy, adding, parity, counting, flip-flops."""
