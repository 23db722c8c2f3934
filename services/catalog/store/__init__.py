"""All SQL of the catalog. Transactions are opened by who calls: the servicer, the seeding, the change feed."""
