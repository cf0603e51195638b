"""A dumb static server for recorded answers: it knows nothing of venues."""
