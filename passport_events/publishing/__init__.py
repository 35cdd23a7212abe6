"""From a file to SNS: read as the receiver will read it, describe, batch, and send."""
