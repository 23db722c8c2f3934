"""The router's surfaces: they map their format to the neutral request and back, and decide nothing."""
