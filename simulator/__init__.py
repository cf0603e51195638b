"""A stand-alone exchange simulator: it plays the venues' own REST wire over real sockets.

It shares no code with the product it tests; venue facts come from the venues' published documents.
"""
