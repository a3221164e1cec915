"""What is done in a video: frames to an activity."""
