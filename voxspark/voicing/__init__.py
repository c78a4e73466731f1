"""Who speaks: the voices of the plan in order, each tested, at one loudness, in the language of the turn."""
