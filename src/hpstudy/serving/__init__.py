"""The model as MLflow loads it. It imports nothing of hpstudy."""
