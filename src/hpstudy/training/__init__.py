"""Arrays and a seed become a trained network: compiled epochs, and what is needed beside them."""
