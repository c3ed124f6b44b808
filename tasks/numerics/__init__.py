"""Pure numerics over arrays: no IO, no Prefect, no Ray, no torch, no logging."""
