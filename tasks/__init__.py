"""What each step of a flow does, as plain functions. Imports `actors` and `infra`."""
