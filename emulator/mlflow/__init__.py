"""A small page in the place of every MLflow server."""
