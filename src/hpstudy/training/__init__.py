"""From arrays and a seed to a trained network: compiled epochs, and what they need."""
