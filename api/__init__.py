"""Serve: FastAPI over what is stored, with trust on every answer."""
