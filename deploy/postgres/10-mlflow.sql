-- MLflow's tables in a database of their own, so that either can be backed up and restored alone.
CREATE DATABASE mlflow OWNER hpstudy;
