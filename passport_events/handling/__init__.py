"""From the inbox to the handler: dispatch, claim, prepare, effect."""
