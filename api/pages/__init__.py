"""The pages: server-rendered HTML in 繁體中文, English and Japanese, that work without a script."""
