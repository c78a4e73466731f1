"""What an operator sees of the daemon: counters, spans, the times of turns, recordings on request.

All of it is a projection of events, and none of it but a recording holds a word of what was said.
"""
