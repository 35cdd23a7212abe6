"""The mirror: what all events together say about each Salesforce record."""
