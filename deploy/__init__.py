"""What it takes to run Interurbe somewhere: on this machine, on a real Kafka, in containers."""
