"""Letters by e-mail: how one is put together, the server that takes it, and letters that another service wrote."""
