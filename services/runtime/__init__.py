"""What any process of Pantheon needs to start, serve and stop. Imports no service."""
