"""The mass-casualty incident: a register of numbers without names, and a chart of its own for each casualty."""
