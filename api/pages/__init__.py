"""Pages for people. Whatever they need is served from here: they work without the internet."""
