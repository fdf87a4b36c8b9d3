"""After the training: the chosen configuration on the test split, and trials trained again."""
