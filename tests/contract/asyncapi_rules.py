"""What the objects of AsyncAPI 3.0.0 and of its bindings for SNS and SQS must have, and may have."""

from __future__ import annotations

_TOLD = "title summary description"
_ABOUT = f"{_TOLD} tags externalDocs"
_OF_TIME = "deliveryDelay visibilityTimeout receiveMessageWaitTime messageRetentionPeriod"

OBJECTS = {
    "document": ("asyncapi info", "id defaultContentType servers channels operations components"),
    "info": ("title version", "description termsOfService contact license tags externalDocs"),
    "server": ("host protocol", f"protocolVersion pathname variables security bindings {_ABOUT}"),
    "variable": ("", "enum default description examples"),
    "channel": ("", f"address messages servers parameters bindings {_ABOUT}"),
    "operation": ("action channel", f"security bindings traits messages reply {_ABOUT}"),
    "message": ("", f"headers payload correlationId contentType name bindings examples traits {_ABOUT}"),
    "example": ("", "headers payload name summary"),
    "multi format schema": ("schemaFormat schema", ""),
    "sns channel": ("name", "ordering policy tags bindingVersion"),
    "sns ordering": ("type", "contentBasedDeduplication"),
    "sns operation": ("consumers", "topic deliveryPolicy bindingVersion"),
    "sns consumer": (
        "protocol endpoint rawMessageDelivery",
        "filterPolicy filterPolicyScope redrivePolicy deliveryPolicy displayName",
    ),
    "sqs operation": ("queues", "bindingVersion"),
    "sqs queue": (
        "name fifoQueue",
        f"{_OF_TIME} deduplicationScope fifoThroughputLimit redrivePolicy policy tags",
    ),
    "redrive policy": ("deadLetterQueue", "maxReceiveCount"),
}
"""Names of fields, with spaces between them: those that are required, and those that are allowed."""
