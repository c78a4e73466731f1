"""Engines in processes of their own: eviction gives the memory back, a crash costs one reply, a hang can be ended.

`host` is the daemon's side, `child` the worker's, `wire` what they say to each other. For engines of the registry,
`remote` is the daemon's side and `hosted` the worker's.
"""
