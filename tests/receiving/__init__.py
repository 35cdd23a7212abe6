"""From SQS to the inbox."""
