"""What a study file says: the declaration, its factors and domains, and how the file is read."""
