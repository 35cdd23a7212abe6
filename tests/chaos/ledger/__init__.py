"""The host application under fault: its handlers write down every effect, in a table that refuses nothing."""
