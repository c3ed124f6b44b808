"""Configurations: what their files may say, and what results depend on because of it.

scoring.py        how a run scores: presets, files       text.py        its section on texts
identity.py       a configuration resolved to hashes     operations.py  what runs by itself, and when
dimension_map.py  the file of a fitted map

Which configuration is current is tasks/promotion's part; where the services are, infra/settings.py's.
"""
