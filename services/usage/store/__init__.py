"""All SQL of the usage service. Transactions are opened by who calls: the consumer, the sweeper, the servicer."""
