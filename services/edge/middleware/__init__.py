"""What stands around every request, one piece a module. Bare ASGI, HTTP only: the server speaks nothing else."""
