"""Training: steps as programs on the device, the loop around them, its callbacks and its progress bar."""
