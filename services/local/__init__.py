"""Everything on one machine: a real NATS and a real Postgres from wheels, and the services as child processes."""
