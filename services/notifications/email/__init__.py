"""Letters by e-mail: their words, how they are written, and the server that takes them."""
