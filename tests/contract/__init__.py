"""The contracts in proto/pantheon, held to what others rely on: the form of every event, errors, who may call what."""
