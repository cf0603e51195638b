"""Keys and codecs of what is fast and disposable."""
