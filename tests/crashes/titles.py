"""What an opportunity's `Name` asks of its handler. Apart from it, because to import it is to register it."""

FAILS_ONCE = "fails once"
SLOW = "slow"
