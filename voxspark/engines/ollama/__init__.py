"""Ollama over its own API (never `/v1`, which cannot set num_ctx, keep_alive or think).

What surprises in it is in facts/agent.md section 1 and facts/spark.md section 3. All of it is met here: a model is
reloaded when an option changes, thinks unless told not to, truncates in silence, and a stream ends in six ways.
"""
