"""Controls that cannot hear, beside which a strategy shows how much of its score the sound earns."""
