"""A real Apache Kafka on this machine with nothing but Java and Maven: for tests, and for `make demo BUS=kafka`."""
