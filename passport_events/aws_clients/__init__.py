"""boto3 clients, queue URLs and attributes, advice for AWS errors. Only this package imports boto3."""
