"""All SQL of the auth service. Functions take the transaction they belong to; none opens or ends one."""
