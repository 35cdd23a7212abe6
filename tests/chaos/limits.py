"""Times and names that the settings of the pipeline and the faults share."""

from __future__ import annotations

from project.demo import aws

QUEUE_URL = "PASSPORT_TEST_QUEUE_URL"
"""Name of the variable; the address is SQS's own, and ENDPOINT_URL says how to get there."""

LEASE_SECONDS = 3.0
VISIBILITY_SECONDS = 10
RECEIVES_BEFORE_DEAD_LETTER = aws.RECEIVES_BEFORE_DEAD_LETTER
"""A message that is received so often without being deleted goes to the dead-letter queue, which the
checker calls stuck: no fault may let one delivery be received and dropped more than about five times."""
