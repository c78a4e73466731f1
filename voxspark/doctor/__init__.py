"""`voxspark doctor`: what is wrong, what to do about it, and what can be put right at once."""
