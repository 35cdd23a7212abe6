"""From SQS to the inbox: receive, read, store, and only then delete."""
