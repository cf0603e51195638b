"""How a venue is reached: CCXT bridge, named limits, bans, failures told apart."""
