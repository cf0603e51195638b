"""What is there of what should be there, and why the rest is not."""
