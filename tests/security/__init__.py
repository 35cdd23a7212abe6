"""What strangers, curious staff and hostile input must not get: one file per subject."""
