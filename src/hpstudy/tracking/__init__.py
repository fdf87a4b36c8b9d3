"""Who is told about trials. MLflow is the tracker that ships."""
