"""What runs and when: one Prefect flow a file, the command line and the deployments."""
