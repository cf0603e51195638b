"""The heart, pure rules: what is known, what is missing, what to ask next, how good it is. No input, no output."""
