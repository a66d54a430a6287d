"""On-device models: engines, the models they run, skills that draft, and the checks that no draft passes by."""
