"""The doctor: what is really set up, compared with what the promises need.

`health` looks at what runs and needs no rights; the doctor asks AWS, Redis and PostgreSQL for their
settings, and sends a canary down the whole path. Each module asks (`look`) and then decides (`judge`).
"""
