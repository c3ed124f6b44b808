"""What runs on Ray: reading media, detecting language, scoring emotion. Imports only `infra`."""
