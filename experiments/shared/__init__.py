"""What every experiment uses."""
