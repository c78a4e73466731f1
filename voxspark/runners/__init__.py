"""Who really loads the models: Ollama, worker processes, this process. See `vram.runner.Runner`."""
