"""The REST API for people, below `/api`: one module an area. Maps JSON to RPCs and back, and decides nothing."""
