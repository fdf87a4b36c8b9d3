"""The model as it is loaded without hpstudy. It imports nothing from hpstudy."""
