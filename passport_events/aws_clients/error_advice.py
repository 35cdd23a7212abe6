"""Advice for errors of AWS, by error code or by the class of the boto3 error."""

from __future__ import annotations

_CREDENTIALS = (
    "Give this process valid credentials: environment variables, a profile, or the role of its container. "
)
SQS, SNS = "SQS", "SNS"
_NO_QUEUE = "Correct the name, account and region in the queue's URL (QUEUE_URL), or create the queue. "
_NO_TOPIC = "Correct the ARN of the topic, or create the topic. "
_DENIED = (
    "Allow the role of this process sqs:ReceiveMessage and sqs:DeleteMessage on the queue, and kms:Decrypt "
    "on its key; look at the queue's policy and at that of its VPC endpoint, too. "
)
_MAY_NOT_PUBLISH = (
    "Allow the role of this process sns:Publish on the topic, and kms:GenerateDataKey on its key; look at "
    "the topic's policy and at that of its VPC endpoint, too. "
)
_NO_ROLE = "Let this process assume its role: look at the role's name and at its trust policy. "
_SERVER = "Compare ENDPOINT_URL and QUEUE_URL with the server that the queue is on. "
_REGION = "Compare the region with that of the queue, or turn the region on for the account. "
_KEY = "Look at the KMS key that encrypts it. "
_NETWORK = "Look at the region in the host's name, at DNS, routes and proxies. "

_ADVICE = {
    "NonExistentQueue": _NO_QUEUE,
    "QueueDoesNotExist": _NO_QUEUE,
    "QueueDeletedRecently": _NO_QUEUE,
    "InvalidAddress": _NO_QUEUE,
    "NotFound": _NO_TOPIC,
    "AccessDenied": _DENIED,
    "AuthorizationError": _DENIED,
    "KmsAccessDenied": _DENIED,
    "KMSAccessDenied": _DENIED,
    "NotAuthorized": _DENIED,
    "UnauthorizedOperation": _DENIED,
    "InvalidSecurity": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidIdentityToken": _CREDENTIALS,
    "UnrecognizedClient": _CREDENTIALS,
    "AuthFailure": _CREDENTIALS,
    "MissingAuthenticationToken": _CREDENTIALS,
    "IncompleteSignature": _CREDENTIALS,
    "SignatureDoesNotMatch": f"{_CREDENTIALS}Compare the region and this machine's clock, too. ",
    "InvalidSignature": f"{_CREDENTIALS}Compare the region and this machine's clock, too. ",
    "RequestExpired": "Set this machine's clock. ",
    "RequestTimeTooSkewed": "Set this machine's clock. ",
    "ExpiredToken": f"The credentials have expired. {_CREDENTIALS}",
    "NoCredentialsError": _CREDENTIALS,
    "PartialCredentialsError": _CREDENTIALS,
    "CredentialRetrievalError": _CREDENTIALS,
    "OptInRequired": _REGION,
    "SubscriptionRequired": _REGION,
    "UnknownOperation": _SERVER,
    "InvalidAction": _SERVER,
    "UnsupportedOperation": _SERVER,
    "EndpointConnectionError": _NETWORK,
    "ConnectTimeoutError": _NETWORK,
    "ProxyConnectionError": _NETWORK,
    "SSLError": "Look at the certificates that this machine trusts (AWS_CA_BUNDLE), and at proxies. ",
}


def find_advice(kind: str, service: str = SQS, operation: str = "") -> str:
    """Find one or two sentences of advice, with a space at the end; empty if there is none.

    `operation` is the one that AWS refused. AssumeRole, which gets credentials, is not one of SQS or SNS.
    """
    if operation.startswith("AssumeRole"):
        return _NO_ROLE
    name = kind.rpartition(".")[2]
    name = name if name in _ADVICE else name.removesuffix("Exception")
    found = _ADVICE.get(name, "")
    if not found and name.lower().startswith("kms") and "Throttl" not in name:
        return _KEY
    if not found and ("SSO" in name or "Token" in name or "Login" in name):
        return _CREDENTIALS
    return _MAY_NOT_PUBLISH if found is _DENIED and service == SNS else found
