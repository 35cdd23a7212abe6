"""The demo monolith's own app: what a university does with what Salesforce tells it."""
