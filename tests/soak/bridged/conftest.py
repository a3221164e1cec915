"""To look for docstrings in them would import every library, installed or not."""

collect_ignore_glob = ["*.py"]
